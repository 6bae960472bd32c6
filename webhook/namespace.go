package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/pullgate/pullgate/webhook/policy"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// The bounds of live reads. A namespace that was just created is not in the cache for some milliseconds. The names may be
// invented, so that each costs one read at most, and all together cost no more than a small client.
const (
	liveTimeout = time.Second
	// liveTTL is how long the result of a live read is used, also that a namespace does not exist.
	liveTTL     = 2 * time.Second
	liveEntries = 1024
	// liveRate is the number of reads per second, after a burst.
	liveRate, liveBurst = 10, 50
)

var errLiveRate = errors.New("too many namespaces are not in the cache")

// NamespaceOptions configure NamespaceModes. All fields are required.
type NamespaceOptions struct {
	// Cache is read first. It holds the metadata of namespaces.
	Cache client.Reader
	// Live is read, within bounds, for a namespace that is not in the cache yet.
	Live client.Reader
	// Unlabelled is the mode of a namespace without the label.
	Unlabelled policy.Mode
	// Own is the namespace of Pullgate. It is always off.
	Own string
}

// NamespaceModes reads the modes of namespaces from their labels.
type NamespaceModes struct {
	NamespaceOptions
	live    *ttlcache.Cache[string, policy.Mode]
	limiter flowcontrol.PassiveRateLimiter
}

var _ Modes = (*NamespaceModes)(nil)

// NewNamespaceModes returns NamespaceModes without cached results.
func NewNamespaceModes(o NamespaceOptions) (*NamespaceModes, error) {
	live, err := ttlcache.New(ttlcache.Options[string, policy.Mode]{MaxEntries: liveEntries})
	if err != nil {
		return nil, err
	}
	return &NamespaceModes{o, live, flowcontrol.NewTokenBucketPassiveRateLimiter(liveRate, liveBurst)}, nil
}

// WithUnlabelled returns NamespaceModes with another mode of namespaces without the label. They share the bound on live reads, and no
// cached modes.
func (m *NamespaceModes) WithUnlabelled(mode policy.Mode) (*NamespaceModes, error) {
	o := m.NamespaceOptions
	o.Unlabelled = mode
	other, err := NewNamespaceModes(o)
	if err != nil {
		return nil, err
	}
	other.limiter = m.limiter
	return other, nil
}

// NewNamespaceMetadata returns an empty Namespace for a metadata-only read or watch.
func NewNamespaceMetadata() *metav1.PartialObjectMetadata {
	meta := &metav1.PartialObjectMetadata{}
	meta.APIVersion, meta.Kind = "v1", "Namespace"
	return meta
}

// ReduceNamespace is the transform of a cache of namespaces: it keeps only the fields that Mode reads. The other labels and the
// annotations of all namespaces can take megabytes.
func ReduceNamespace(o any) (any, error) {
	if meta, ok := o.(*metav1.PartialObjectMetadata); ok {
		mode, labelled := meta.Labels[policy.LabelMode]
		meta.ObjectMeta = metav1.ObjectMeta{Name: meta.Name, UID: meta.UID, ResourceVersion: meta.ResourceVersion}
		if labelled {
			meta.Labels = map[string]string{policy.LabelMode: mode}
		}
	}
	return o, nil
}

// Mode returns the namespace's mode. It is ModeOff for a namespace that does not exist, for Pullgate's own and for those from
// which the cluster starts. The error means that it could not be read.
func (m *NamespaceModes) Mode(ctx context.Context, namespace string) (policy.Mode, error) {
	switch namespace {
	case m.Own, corev1.NamespaceNodeLease, metav1.NamespaceSystem, metav1.NamespacePublic:
		return policy.ModeOff, nil
	}
	if mode, err := m.read(ctx, m.Cache, namespace); err == nil {
		return mode, nil
	}
	if mode, ok := m.live.Get(namespace); ok {
		return mode, nil
	}
	mode, err := m.readLive(ctx, namespace)
	if err != nil {
		return "", fmt.Errorf("reading namespace %s: %w", namespace, err)
	}
	m.live.Put(namespace, mode, time.Now().Add(liveTTL))
	return mode, nil
}

// readLive reads a namespace from the API server.
func (m *NamespaceModes) readLive(ctx context.Context, namespace string) (policy.Mode, error) {
	if !m.limiter.TryAccept() {
		return "", errLiveRate
	}
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	mode, err := m.read(ctx, m.Live, namespace)
	if apierrors.IsNotFound(err) {
		return policy.ModeOff, nil
	}
	return mode, err
}

func (m *NamespaceModes) read(ctx context.Context, from client.Reader, namespace string) (policy.Mode, error) {
	meta := NewNamespaceMetadata()
	if err := from.Get(ctx, types.NamespacedName{Name: namespace}, meta); err != nil {
		return "", err
	}
	mode, _ := policy.ModeOf(meta.Labels, m.Unlabelled)
	return mode, nil
}
