//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A server-side dry run finds what a schema does not show: defaults, references between fields, CEL expressions. The objects of
// cert-manager need its kinds, which the cluster does not have.
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
		out, err = run(t, "apply", "--server-side", "--dry-run=server", "--force-conflicts", "--filename="+file)
		if lines := strings.Count(out, "serverside-applied (server dry run)\n"); err != nil || lines != len(objects) || strings.Contains(out, "Warning") {
			t.Errorf("%s: %d of %d objects are valid, with error %v:\n%s", overlay, lines, len(objects), err, out)
		}
	}
}
