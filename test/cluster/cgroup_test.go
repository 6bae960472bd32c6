package cluster

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCgroupsOfVersion1(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	createFiles(t, root, "cpu,cpuacct/cgroup.procs", "cpuset/cgroup.procs", "not-a-controller/file")
	for name, data := range map[string]string{"cpuset.cpus": "0-1", "cpuset.mems": "0"} {
		if err := os.WriteFile(filepath.Join(root, "cpuset", name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("cpu,cpuacct", filepath.Join(root, "cpu")); err != nil {
		t.Fatal(err)
	}
	c := cgroups{root: root, name: "mine"}
	if err := c.make(); err != nil {
		t.Fatal(err)
	}
	if err := c.make(); err != nil {
		t.Errorf("the second make: %v", err)
	}
	made, err := filepath.Glob(filepath.Join(root, "*", "mine"))
	if err != nil {
		t.Fatal(err)
	}
	// The link leads to the same folder.
	want := []string{filepath.Join(root, "cpu", "mine"), filepath.Join(root, "cpu,cpuacct", "mine"), filepath.Join(root, "cpuset", "mine")}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("the cgroups differ (-want +got):\n%s", diff)
	}
	mine := filepath.Join(root, "cpuset", "mine")
	if cpus, mems := read(t, filepath.Join(mine, "cpuset.cpus")), read(t, filepath.Join(mine, "cpuset.mems")); cpus != "0-1" || mems != "0" {
		t.Errorf("got cpuset %q and %q, want the hierarchy's values", cpus, mems)
	}
	clearFiles(t, mine)
	removeAll(t, c)
}

func TestCgroupsOfVersion2(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	createFiles(t, root, "cgroup.controllers", "cgroup.subtree_control", "cgroup.procs", "system.slice/cgroup.procs")
	c := cgroups{root: root, name: "mine"}
	if err := c.make(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "mine")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(root, "system.slice", "mine")); err == nil {
		t.Error("a cgroup was created inside another one")
	}
	// The kernel adds the controllers up. An ordinary file keeps the last one.
	if got := read(t, filepath.Join(root, "cgroup.subtree_control")); got != "+hugetlb" {
		t.Errorf("the last enabled controller is %q, want hugetlb", got)
	}
	removeAll(t, c)
}

// removeAll adds cgroups as a kubelet does, and removes them all.
func removeAll(t *testing.T, c cgroups) {
	t.Helper()
	dirs, err := c.hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(filepath.Join(dir, c.name, "kubepods", "besteffort", "pod1"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, c.name)); !os.IsNotExist(err) {
			t.Errorf("%s still exists", filepath.Join(dir, c.name))
		}
	}
	if err := c.remove(t.Context()); err != nil {
		t.Errorf("the second remove: %v", err)
	}
}

func TestCgroupsInUse(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	createFiles(t, root, "cpu/cgroup.procs", "cpu/mine/kubepods/busy")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := cgroups{root: root, name: "mine"}.remove(ctx)
	if err == nil || !strings.Contains(err.Error(), "removing a cgroup") || !strings.Contains(err.Error(), "kubepods") {
		t.Errorf("got error %v, want an error with the cgroup in use", err)
	}
}

func TestCgroupsMakeErrors(t *testing.T) {
	t.Parallel()
	taken := t.TempDir()
	createFiles(t, taken, "cpu/cgroup.procs", "cpu/mine")
	odd := t.TempDir()
	createFiles(t, odd, "cpuset/cgroup.procs", "cpuset/cpuset.cpus/file")
	for name, tt := range map[string]struct{ root, want string }{
		"the name is a file":     {taken, "creating a cgroup"},
		"the cpuset is a folder": {odd, "filling the cpuset"},
	} {
		if err := (cgroups{root: tt.root, name: "mine"}).make(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q in it", name, err, tt.want)
		}
	}
}
