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

// cgroups are the cgroups of the cluster's pods: a folder of that name in the only hierarchy (version 2), or in the
// hierarchy of each controller (version 1).
type cgroups struct{ root, name string }

// controllers returns the controllers of version 2 that the kubelet requires.
func controllers() []string { return []string{"cpuset", "cpu", "memory", "pids", "hugetlb"} }

// hierarchies returns the folders that may contain a cgroup of the cluster.
func (c cgroups) hierarchies() ([]string, error) {
	if isFile(filepath.Join(c.root, "cgroup.controllers")) {
		return []string{c.root}, nil
	}
	files, err := filepath.Glob(filepath.Join(c.root, "*", "cgroup.procs"))
	if err != nil {
		return nil, fmt.Errorf("finding cgroups: %w", err)
	}
	var out []string
	for _, file := range files {
		dir := filepath.Dir(file)
		// Controllers that share a mount also have links by their own names.
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			out = append(out, dir)
		}
	}
	return out, nil
}

// make creates the cgroups.
func (c cgroups) make() error {
	dirs, err := c.hierarchies()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		// The controllers are enabled one by one, because a machine may lack some. The kubelet reports what it
		// needs.
		for _, controller := range controllers() {
			_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+controller), 0)
		}
		if err := os.MkdirAll(filepath.Join(dir, c.name), 0o755); err != nil {
			return fmt.Errorf("creating a cgroup: %w", err)
		}
		if err := c.fillCpuset(dir); err != nil {
			return err
		}
	}
	return nil
}

// fillCpuset assigns all processors and memory nodes of the hierarchy to the cluster. In version 1, a cgroup with an
// empty cpuset cannot contain processes.
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

// remove removes the cgroups. They stay busy for a moment after their last process.
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

// removeTree removes a cgroup and its children, the deepest first. The kernel removes the files in them.
func removeTree(top string) error {
	var dirs []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed by another process
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
