package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// privateFolders returns folders of the machine that the kubelet, containerd and CNI plugins use regardless of their
// configuration. In the cluster's mount namespace, each is a private empty file system.
func privateFolders() []string {
	return []string{"/run/containerd", "/run/netns", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers"}
}

// makeFolders creates the missing folders. It first appends each to the record, for removeFolders. An existing record
// keeps its lines.
func makeFolders(record string, folders []string) error {
	for _, folder := range folders {
		if _, err := os.Stat(folder); err == nil {
			continue
		}
		if err := appendLine(record, folder); err != nil {
			return err
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("creating a folder: %w", err)
		}
	}
	return nil
}

func appendLine(path, line string) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening a record: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := fmt.Fprintln(file, line); err != nil {
		return fmt.Errorf("writing a record: %w", err)
	}
	return nil
}

// removeFolders removes the folders in the record, and the record. A folder with content stays. A folder in use stays
// too, and keeps its line in the record, because removing it would unmount file systems of other namespaces.
func removeFolders(record string, inUse func(folder string) bool) error {
	data, err := os.ReadFile(record)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a record: %w", err)
	}
	if err := os.Remove(record); err != nil {
		return fmt.Errorf("removing a record: %w", err)
	}
	for _, folder := range slices.Backward(strings.Fields(string(data))) {
		if !inUse(folder) {
			// Remove fails for a missing folder or one with content. Both are expected.
			_ = os.Remove(folder)
		} else if err := appendLine(record, folder); err != nil {
			return err
		}
	}
	return nil
}

// mounted reports whether a process has a mount on the folder, according to the proc file system.
func mounted(proc, folder string) bool {
	files, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "mounts")) // the pattern is valid
	for _, file := range files {
		// A process that has exited has no mounts.
		data, _ := os.ReadFile(file)
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[1] == folder {
				return true
			}
		}
	}
	return false
}
