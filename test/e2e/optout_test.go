//go:build e2e

package e2e

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A namespace without the label gets warnings, and one in mode off gets none. testPodDenied covers the mode enforce, and awaitDenials
// has seen it.
func testOptOut(t *testing.T, e *environment) {
	pod := e.pod(e.registry.missing(t, "shop/opt-out"))
	warnings, err := e.create(t, e.namespace(t, ""), pod, metav1.DryRunAll)
	if err != nil {
		t.Fatal(err)
	}
	wantWarning(t, warnings, "cannot be pulled: NotFound: ")
	e.admit(t, e.namespace(t, "off"), pod)
}
