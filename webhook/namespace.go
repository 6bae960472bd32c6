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
	// Cache is asked first. It holds the metadata of namespaces.
	Cache client.Reader
	// Live is asked for a namespace that the cache doesn't know yet.
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

// ReduceNamespace is the transform of a cache of namespaces: of each it keeps what Mode reads. Their annotations alone can make
// up megabytes.
func ReduceNamespace(o any) (any, error) {
	if meta, ok := o.(*metav1.PartialObjectMetadata); ok {
		meta.ObjectMeta = metav1.ObjectMeta{
			Name: meta.Name, UID: meta.UID, ResourceVersion: meta.ResourceVersion, Labels: meta.Labels,
		}
	}
	return o, nil
}

// Mode returns the namespace's mode. An error means that neither reader knows it.
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
