package hosts_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

// writeTree writes files below a new directory and returns the directory.
func writeTree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
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

// describe returns a host in one line: its URL, then everything that differs from the default.
func describe(h hosts.Host) string {
	words := []string{h.Scheme + "://" + h.Name + h.Path}
	for capability, name := range map[hosts.Capability]string{
		hosts.CapabilityPull: "no-pull", hosts.CapabilityResolve: "no-resolve",
		hosts.CapabilityPush: "no-push", hosts.CapabilityReferrers: "no-referrers",
	} {
		if h.Capabilities&capability == 0 {
			words = append(words, name)
		}
	}
	slices.Sort(words[1:])
	for _, key := range slices.Sorted(maps.Keys(h.Header)) {
		words = append(words, fmt.Sprintf("%s=%s", key, strings.Join(h.Header[key], ",")))
	}
	if h.HTTPFallback {
		words = append(words, "or-http")
	}
	if !h.Named {
		words = append(words, "unnamed")
	}
	if h.DialTimeout != nil {
		words = append(words, h.DialTimeout.String())
	}
	return strings.Join(words, " ")
}

func wantHosts(t *testing.T, root, namespace string, want ...string) {
	t.Helper()
	list, err := hosts.Load(root, namespace)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	got := make([]string, len(list))
	for i, h := range list {
		got[i] = describe(h)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hosts of %s differ (-want +got):\n%s", namespace, diff)
	}
}
