package cluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// tunables are settings of the whole machine that a kubelet insists on, with the values that it wants. Inside, files
// that hold these stand in place of the settings: the kubelet finds them as they should be, and the machine keeps its own.
func tunables() map[string]int {
	return map[string]int{
		"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
		"kernel/keys/root_maxkeys": 1_000_000, "kernel/keys/root_maxbytes": 25_000_000,
	}
}

// mountAll makes the file system what the node needs it to be.
func (p Plan) mountAll() error {
	if err := makePrivate(); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	// The processes of the namespace, which the kubelet looks at.
	if err := mount("proc", "/proc"); err != nil {
		return err
	}
	for _, folder := range hidden() {
		if err := mount("tmpfs", folder); err != nil {
			return err
		}
	}
	for name, value := range tunables() {
		file := p.path("etc", "sysctl", strings.ReplaceAll(name, "/", "."))
		if err := writeFile(file, []byte(strconv.Itoa(value)+"\n")); err != nil {
			return err
		}
		if err := bind(file, filepath.Join("/proc/sys", name)); err != nil {
			return err
		}
	}
	return bind(p.path("etc", "resolv.conf"), "/etc/resolv.conf")
}

// network returns what ip is to do. Components choose their address by the default route, hence the one over a bridge
// that leads nowhere; every address of the registries is a local one.
func network() []string {
	return []string{
		"link set lo up",
		"link add node0 type bridge",
		"addr add " + nodeNetwork + " dev node0",
		"link set node0 up",
		"route add default dev node0",
		"route add local " + registryNetwork + " dev lo",
	}
}

// connect makes the network.
func (f *family) connect() error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = bytes.NewReader([]byte(strings.Join(network(), "\n") + "\n"))
	if err := f.run(cmd); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("switching forwarding on: %w", err)
	}
	return nil
}
