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

// tunables returns kernel settings that a kubelet requires, with their values. They belong to the whole machine. In
// the cluster's mount namespace, files with these values are mounted over the settings, so the machine keeps its own.
func tunables() map[string]int {
	return map[string]int{
		"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
		"kernel/keys/root_maxkeys": 1_000_000, "kernel/keys/root_maxbytes": 25_000_000,
	}
}

// mountAll mounts the file systems that the node needs.
func (p Plan) mountAll() error {
	if err := makePrivate(); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	// The kubelet reads the processes of this PID namespace.
	if err := mount("proc", "/proc"); err != nil {
		return err
	}
	for _, folder := range privateFolders() {
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

// network returns the commands for ip. Components select their address by the default route, so there is one over a
// bridge without ports. All addresses of the registries are local.
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

// connect sets the network up.
func (c *children) connect() error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = bytes.NewReader([]byte(strings.Join(network(), "\n") + "\n"))
	if err := c.run(cmd); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("enabling IP forwarding: %w", err)
	}
	return nil
}
