package main

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook"
)

// A cluster may have many namespaces, so that the cache has their labels only.
func TestNamespacesAreCachedReduced(t *testing.T) {
	t.Parallel()
	reduced := 0
	for object, by := range managerOptions(serveOptions{}, newAPIServerGate(slog.New(slog.DiscardHandler), nil)).Cache.ByObject {
		if object.GetObjectKind().GroupVersionKind() != webhook.NewNamespaceMetadata().GroupVersionKind() {
			continue
		}
		reduced++
		want := webhook.NewNamespaceMetadata()
		want.Name = "shop"
		given := want.DeepCopy()
		given.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
		got, err := by.Transform(given)
		if diff := cmp.Diff(any(want), got); diff != "" || err != nil {
			t.Errorf("Transform() = %v (-want +got):\n%s", err, diff)
		}
	}
	if reduced != 1 {
		t.Errorf("namespaces are reduced %d times, want once", reduced)
	}
}
