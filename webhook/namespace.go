package webhook

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/pullgate/pullgate/webhook/policy"
)

// NamespaceModes reads the modes of namespaces from their labels.
type NamespaceModes struct {
	// Cache is read first. It holds the metadata of namespaces.
	Cache client.Reader
	// Live is read for a namespace that is not in the cache yet.
	Live client.Reader
	// Unlabelled is the mode of a namespace without the label.
	Unlabelled policy.Mode
}

// NewNamespaceMetadata returns an empty Namespace for a metadata-only read or watch.
func NewNamespaceMetadata() *metav1.PartialObjectMetadata {
	meta := &metav1.PartialObjectMetadata{}
	meta.APIVersion, meta.Kind = "v1", "Namespace"
	return meta
}

// ReduceNamespace is the transform of a cache of namespaces: it keeps only the fields that Mode reads. The annotations of all
// namespaces can take megabytes.
func ReduceNamespace(o any) (any, error) {
	if meta, ok := o.(*metav1.PartialObjectMetadata); ok {
		meta.ObjectMeta = metav1.ObjectMeta{
			Name: meta.Name, UID: meta.UID, ResourceVersion: meta.ResourceVersion, Labels: meta.Labels,
		}
	}
	return o, nil
}

// Mode returns the namespace's mode, or an error if both readers fail.
func (m NamespaceModes) Mode(ctx context.Context, namespace string) (policy.Mode, error) {
	meta := NewNamespaceMetadata()
	key := types.NamespacedName{Name: namespace}
	if err := m.Cache.Get(ctx, key, meta); err != nil {
		if err := m.Live.Get(ctx, key, meta); err != nil {
			return "", fmt.Errorf("reading namespace %s: %w", namespace, err)
		}
	}
	mode, _ := policy.ModeOf(meta.Labels, m.Unlabelled)
	return mode, nil
}
