//go:build cluster

package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// traces is everything that a cluster could leave on a machine.
type traces struct {
	Mounts, Links, Cgroups, Folders, Processes []string
	Sysctls                                    map[string]string
}

// machineState returns the current state of the machine.
func machineState(t *testing.T) traces {
	t.Helper()
	return traces{
		Mounts:  lines(t, "/proc/self/mounts"),
		Links:   linkNames(t),
		Cgroups: append(glob(t, "/sys/fs/cgroup/pullgate-cluster-*"), glob(t, "/sys/fs/cgroup/*/pullgate-cluster-*")...),
		Folders: existing("/run/containerd", "/run/netns", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers"),
		Sysctls: sysctls(t, "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
			"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes", "net/ipv4/ip_forward"),
		Processes: processes(t),
	}
}

// sameAsBefore fails the test if the machine has changed.
func sameAsBefore(t *testing.T, before traces) {
	t.Helper()
	if diff := cmp.Diff(before, machineState(t)); diff != "" {
		t.Errorf("the cluster changed the machine (-before +after):\n%s", diff)
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// linkNames returns the names of the machine's network devices.
func linkNames(t *testing.T) []string {
	t.Helper()
	return glob(t, "/sys/class/net/*")
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func existing(paths ...string) []string {
	var out []string
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			out = append(out, path)
		}
	}
	return out
}

func sysctls(t *testing.T, names ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range names {
		out[name] = lines(t, filepath.Join("/proc/sys", name))[0]
	}
	return out
}

// processes returns the processes that run a program of the cluster or are in another network namespace, as pods are.
func processes(t *testing.T) []string {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, dir := range glob(t, "/proc/[0-9]*") {
		exe, exeErr := os.Readlink(dir + "/exe")
		network, err := os.Readlink(dir + "/ns/net")
		// A process that has exited has no network namespace.
		if exeErr == nil && strings.HasPrefix(exe, programs()+"/") || err == nil && network != own {
			out = append(out, exe)
		}
	}
	return out
}
