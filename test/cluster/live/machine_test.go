//go:build cluster

package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// traces is all that a cluster could leave on a machine.
type traces struct {
	Mounts, Links, Cgroups, Folders, Processes []string
	Sysctls                                    map[string]string
}

// look takes down the traces that are there now.
func look(t *testing.T) traces {
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
	if diff := cmp.Diff(before, look(t)); diff != "" {
		t.Errorf("the cluster has left something (-before +after):\n%s", diff)
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

// linkNames are the machine's network devices, without what they have carried.
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

// processes are those that run a program of the cluster, or live in a network that is not this process's, as pods do.
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
		// A process that has ended meanwhile is in no network.
		if exeErr == nil && strings.HasPrefix(exe, programs()+"/") || err == nil && network != own {
			out = append(out, exe)
		}
	}
	return out
}
