package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func unused(string) bool { return false }

func TestFolders(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	record := filepath.Join(root, "record")
	folder := func(name string) string { return filepath.Join(root, name) }
	if err := os.Mkdir(folder("before"), 0o700); err != nil {
		t.Fatal(err)
	}
	folders := []string{folder("before"), folder("a"), folder("taken"), folder("busy")}
	if err := makeFolders(record, folders); err != nil {
		t.Fatal(err)
	}
	if err := makeFolders(record, folders); err != nil {
		t.Fatalf("the second makeFolders: %v", err)
	}
	createFiles(t, folder("taken"), "another-program")
	if err := removeFolders(record, func(f string) bool { return f == folder("busy") }); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"before": true, "a": false, "taken": true, "busy": true} {
		if _, err := os.Stat(folder(name)); (err == nil) != want {
			t.Errorf("%s: got error %v, want it to exist: %v", name, err, want)
		}
	}
	if got := read(t, record); got != folder("busy")+"\n" {
		t.Errorf("the record is %q, want the busy folder only", got)
	}
	if err := removeFolders(record, unused); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder("busy"), record} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s still exists", path)
		}
	}
	if err := removeFolders(record, unused); err != nil {
		t.Errorf("the second removeFolders: %v", err)
	}
}

func TestFolderErrors(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	createFiles(t, root, "file")
	record := filepath.Join(root, "record")
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"a folder below a file":         {makeFolders(record, []string{filepath.Join(root, "file", "x")}), "creating a folder"},
		"a record without its folder":   {makeFolders(filepath.Join(root, "no", "record"), []string{filepath.Join(root, "x")}), "opening a record"},
		"a folder in place of a record": {removeFolders(root, unused), "reading a record"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q in it", name, tt.err, tt.want)
		}
	}
}

func TestMounted(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	for file, text := range map[string]string{
		"1/mounts":    "/dev/vda / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n",
		"20/mounts":   "tmpfs /var/lib/kubelet tmpfs rw 0 0\n",
		"self/mounts": "tmpfs /not/a/process tmpfs rw 0 0\n",
	} {
		if err := writeFile(filepath.Join(proc, file), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for folder, want := range map[string]bool{
		"/run": true, "/var/lib/kubelet": true, "/var/lib": false, "/run/netns": false, "tmpfs": false, "/not/a/process": false,
	} {
		if got := mounted(proc, folder); got != want {
			t.Errorf("%s: got %v, want %v", folder, got, want)
		}
	}
}
