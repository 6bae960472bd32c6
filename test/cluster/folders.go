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

// hidden are the folders of the machine that kubelet, containerd and CNI plugins use whatever they are told. Inside,
// each is a private, empty one.
func hidden() []string {
	return []string{"/run/containerd", "/run/netns", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers"}
}

// makeFolders makes those that are missing and writes them down in the record first, for removeFolders. A record that is
// there already keeps its lines.
func makeFolders(record string, folders []string) error {
	for _, folder := range folders {
		if _, err := os.Stat(folder); err == nil {
			continue
		}
		if err := appendLine(record, folder); err != nil {
			return err
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("making a folder: %w", err)
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

// removeFolders removes the folders in the record, unless somebody has put something there meanwhile, and the record.
// Removing a folder would unmount what others have on it in their namespaces: one that is in use stays, and so does its
// line in the record.
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
			// It fails for a folder with something in it, or gone, and both are as well.
			_ = os.Remove(folder)
		} else if err := appendLine(record, folder); err != nil {
			return err
		}
	}
	return nil
}

// mounted tells whether some process sees a mount on the folder, by a proc file system.
func mounted(proc, folder string) bool {
	files, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "mounts")) // the pattern is a good one
	for _, file := range files {
		// Who has ended meanwhile sees nothing.
		data, _ := os.ReadFile(file)
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[1] == folder {
				return true
			}
		}
	}
	return false
}
