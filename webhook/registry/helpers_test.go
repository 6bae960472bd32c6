package registry_test

import (
	"os"
	"path/filepath"
	"testing"
)

// plant writes files below a directory, which it makes when root is empty.
func plant(t testing.TB, root string, files map[string]string) string {
	t.Helper()
	if root == "" {
		root = t.TempDir()
	}
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatalf("making a directory: %v", err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatalf("writing: %v", err)
		}
	}
	return root
}
