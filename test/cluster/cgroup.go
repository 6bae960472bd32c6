package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cgroups are where the cluster's pods are counted: one folder of that name in the only hierarchy (version 2), or in
// that of every controller (version 1).
type cgroups struct{ root, name string }

// controllers are those of version 2 that the kubelet wants.
func controllers() []string { return []string{"cpuset", "cpu", "memory", "pids", "hugetlb"} }

// hierarchies returns the folders that have a cgroup of the cluster, or are to have one.
func (c cgroups) hierarchies() ([]string, error) {
	if isFile(filepath.Join(c.root, "cgroup.controllers")) {
		return []string{c.root}, nil
	}
	files, err := filepath.Glob(filepath.Join(c.root, "*", "cgroup.procs"))
	if err != nil {
		return nil, fmt.Errorf("looking for cgroups: %w", err)
	}
	var out []string
	for _, file := range files {
		dir := filepath.Dir(file)
		// Controllers that are mounted together are there under each name, as links.
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			out = append(out, dir)
		}
	}
	return out, nil
}

// make makes the cgroups.
func (c cgroups) make() error {
	dirs, err := c.hierarchies()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		// One controller at a time: a machine need not have all, and what is missing the kubelet will name.
		for _, controller := range controllers() {
			_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0)
		}
		if err := os.MkdirAll(filepath.Join(dir, c.name), 0o755); err != nil {
			return fmt.Errorf("making a cgroup: %w", err)
		}
		if err := c.fillCpuset(dir); err != nil {
			return err
		}
	}
	return nil
}

// fillCpuset gives the cluster all processors and memory of the hierarchy: in version 1, a cpuset without takes no
// process.
func (c cgroups) fillCpuset(dir string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, c.name, name), data, 0o600)
		}
		if err != nil {
			return fmt.Errorf("filling the cpuset: %w", err)
		}
	}
	return nil
}

// remove removes the cgroups, which stay busy for a moment after their last process.
func (c cgroups) remove(ctx context.Context) error {
	dirs, err := c.hierarchies()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		var last error
		gone := func(context.Context) (bool, error) {
			last = removeTree(filepath.Join(dir, c.name))
			return last == nil, nil
		}
		if err := poll(ctx, gone); err != nil {
			return fmt.Errorf("removing a cgroup: %w", last)
		}
	}
	return nil
}

// removeTree removes a cgroup and those in it, the deepest first. The files in them can't be removed, nor need be.
func removeTree(top string) error {
	var dirs []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone meanwhile
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(dirs, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	for _, dir := range dirs {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
