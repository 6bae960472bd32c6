//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each overlay may replace the installation of the test. A dry run of the API server finds what a schema does not show: conflicts of
// fields, references between them, CEL expressions. The cluster does not have the kinds of cert-manager.
func testOverlays(t *testing.T, _ *environment) {
	for _, overlay := range []string{"self-signed", "cert-manager", "all-namespaces", "namespaced-secrets"} {
		out, err := run(t, "kustomize", "../../manifests/"+overlay)
		if err != nil {
			t.Errorf("%s: %v\n%s", overlay, err, out)
			continue
		}
		var objects []string
		for object := range strings.SplitSeq(out, "\n---\n") {
			if !strings.HasPrefix(object, "apiVersion: cert-manager.io/") {
				objects = append(objects, object)
			}
		}
		file := filepath.Join(t.TempDir(), overlay+".yaml")
		if err := os.WriteFile(file, []byte(strings.Join(objects, "\n---\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err = run(t, "apply", "--dry-run=server", "--filename="+file)
		valid := strings.Count(out, " (server dry run)\n")
		if err != nil || valid != len(objects) || strings.Contains(out, "Warning: ") {
			t.Errorf("%s: %d of %d objects are valid, with error %v:\n%s", overlay, valid, len(objects), err, out)
		}
	}
}
