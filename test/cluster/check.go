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
	errNotLinux = errors.New("a cluster needs Linux: its node lives in namespaces")
	errNotRoot  = errors.New("a cluster needs root: for namespaces, mounts and cgroups")
)

// packageOf says which Debian package brings a command that the node runs.
func packageOf() map[string]string {
	return map[string]string{"runc": "runc", "iptables": "iptables", "conntrack": "conntrack", "ip": "iproute2"}
}

// pluginsPackage brings the CNI plugins, which are no commands.
const pluginsPackage = "containernetworking-plugins"

// needs are the things of this machine that decide whether a cluster can run on it.
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

// check returns the folder of the CNI plugins, or what is missing, all at once and with the way to get it.
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
		return "", fmt.Errorf("the node needs more programs: apt-get install -y --no-install-recommends %s",
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

// Check tells whether a cluster can run on this machine, or what is in the way.
func Check() error {
	_, err := machine().check()
	return err
}

// programs are those that are built, by the folder they are in.
func (p Plan) programs() map[string][]string {
	return map[string][]string{
		p.Programs: {
			"cluster", "pause", "containerd", "containerd-shim-runc-v2", "kubelet", "kube-controller-manager",
			"kube-scheduler", "kube-proxy",
		},
		p.Assets: {"etcd", "kube-apiserver", "kubectl"},
	}
}

// checkPrograms returns an error that says how to build what isn't.
func (p Plan) checkPrograms() error {
	for dir, names := range p.programs() {
		for _, name := range names {
			if path := filepath.Join(dir, name); !isFile(path) {
				return fmt.Errorf("there is no %s: run `make cluster-programs`, which builds it", path)
			}
		}
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
