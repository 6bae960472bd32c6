package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

var (
	errNotLinux = errors.New("a cluster requires Linux, for namespaces")
	errNotRoot  = errors.New("a cluster requires root, for namespaces, mounts and cgroups")
)

// packageOf maps commands that the node runs to their Debian packages.
func packageOf() map[string]string {
	return map[string]string{"runc": "runc", "iptables": "iptables", "conntrack": "conntrack", "ip": "iproute2"}
}

// pluginsPackage is the Debian package of the CNI plugins.
const pluginsPackage = "containernetworking-plugins"

// needs are the properties of a machine that decide whether a cluster can run on it.
type needs struct {
	os         string
	uid        int
	lookPath   func(string) (string, error)
	pluginDirs []string
}

func machine() needs {
	return needs{
		os: runtime.GOOS, uid: os.Geteuid(), lookPath: exec.LookPath,
		pluginDirs: []string{"/usr/lib/cni", "/opt/cni/bin"},
	}
}

// check returns the folder of the CNI plugins. Its error lists everything that is missing, and how to install it.
func (n needs) check() (plugins string, err error) {
	if n.os != "linux" {
		return "", errNotLinux
	}
	if n.uid != 0 {
		return "", errNotRoot
	}
	var missing []string
	for command, pkg := range packageOf() {
		if _, err := n.lookPath(command); err != nil {
			missing = append(missing, pkg)
		}
	}
	if plugins = n.findPlugins(); plugins == "" {
		missing = append(missing, pluginsPackage)
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return "", fmt.Errorf("programs are missing on this machine: apt-get install -y --no-install-recommends %s",
			strings.Join(missing, " "))
	}
	return plugins, nil
}

func (n needs) findPlugins() string {
	for _, dir := range n.pluginDirs {
		if isFile(filepath.Join(dir, "bridge")) && isFile(filepath.Join(dir, "host-local")) {
			return dir
		}
	}
	return ""
}

// Check returns an error if a cluster cannot run on this machine.
func Check() error {
	_, err := machine().check()
	return err
}

// programs returns the names of the built programs by their folder.
func (p Plan) programs() map[string][]string {
	return map[string][]string{
		p.Programs: {
			"cluster", "pause", "containerd", "containerd-shim-runc-v2", "kubelet", "kube-controller-manager",
			"kube-scheduler", "kube-proxy",
		},
		p.Assets: {"etcd", "kube-apiserver", "kubectl"},
	}
}

// checkPrograms returns an error if a program is missing. The error names the command that builds it.
func (p Plan) checkPrograms() error {
	for dir, names := range p.programs() {
		for _, name := range names {
			if path := filepath.Join(dir, name); !isFile(path) {
				return fmt.Errorf("%s is missing: run `make cluster-programs`", path)
			}
		}
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
