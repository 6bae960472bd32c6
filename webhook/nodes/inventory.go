package nodes

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes/informer"
)

// Client reads Node objects, as CoreV1().Nodes() of a clientset does.
type Client = informer.Client[*corev1.NodeList]

// maxSilence is how long the nodes count as known after the last list or the last begin of a watch. It exceeds the time for which a
// watch may last without any change.
const maxSilence = 12 * time.Minute

// Inventory watches the nodes of a cluster. Until the first list is complete no node is known. If reading nodes is forbidden,
// that remains so. If the watch breaks, no node is known after maxSilence: they may have changed. It is safe for concurrent use.
type Inventory struct {
	informer cache.SharedIndexInformer
	index    *index
	// delivered reports whether the index has the first list.
	delivered func() bool
	declared  []imagepull.Platform
	// failed is closed after the first failed list or watch.
	failed chan struct{}
	// started is when Start was called, and heard when the API server last granted a list or a watch.
	started, heard *moment
}

// NewInventory returns an inventory that has not started. Declared platforms replace the nodes' own.
func NewInventory(client Client, declared []imagepull.Platform) (*Inventory, error) {
	i := &Inventory{index: newIndex(), declared: declared, failed: make(chan struct{}), started: new(moment), heard: new(moment)}
	var (
		once sync.Once
		err  error
	)
	i.informer, err = informer.New(client, informer.Options{
		Example:   &corev1.Node{},
		Transform: reduce,
		OnError: func(ctx context.Context, r *cache.Reflector, err error) {
			once.Do(func() { close(i.failed) })
			cache.DefaultWatchErrorHandler(ctx, r, err)
		},
		OnSuccess: func() { i.heard.set() },
	})
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	registration, err := i.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    i.put,
		UpdateFunc: func(_, o any) { i.put(o) },
		DeleteFunc: func(o any) {
			// The key of an object without namespace is its name.
			if name, err := cache.DeletionHandlingMetaNamespaceKeyFunc(o); err == nil {
				i.index.delete(name)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	i.delivered = registration.HasSynced
	return i, nil
}

// Declaring returns the same inventory with other declared platforms. Only one of them is started.
func (i *Inventory) Declaring(declared []imagepull.Platform) *Inventory {
	other := *i
	other.declared = declared
	return &other
}

// moment is a time that may not have come. It is safe for concurrent use.
type moment struct{ at atomic.Pointer[time.Time] }

// set makes the present time the moment.
func (m *moment) set() {
	now := time.Now()
	m.at.Store(&now)
}

// isPast reports whether the moment has come, and was longer ago than a duration.
func (m *moment) isPast(d time.Duration) bool {
	at := m.at.Load()
	return at != nil && time.Since(*at) > d
}

func (i *Inventory) put(o any) {
	if n, ok := o.(*node); ok {
		i.index.put(n)
	}
}

// reduce is the informer's transform. Its own results may be passed to it again.
func reduce(o any) (any, error) {
	if n, ok := o.(*corev1.Node); ok {
		return newNode(n), nil
	}
	return o, nil
}

// Start watches until the context ends.
func (i *Inventory) Start(ctx context.Context) error {
	i.started.set()
	i.informer.RunWithContext(ctx)
	return nil
}

// NeedLeaderElection returns false: every replica has its own inventory.
func (*Inventory) NeedLeaderElection() bool { return false }

// syncTimeout bounds the wait for the first list. Without it a verdict may be Indeterminate, so that a longer wait is not worth it.
const syncTimeout = 5 * time.Second

// Synced reports whether the first list is complete, has failed, or takes longer than syncTimeout after the start. The inventory
// tries again, but callers should not wait for it.
func (i *Inventory) Synced() bool {
	select {
	case <-i.failed:
		return true
	default:
		return i.delivered() || i.started.isPast(syncTimeout)
	}
}

// Candidates returns the nodes that a pod may run on. A nil spec has no constraints.
func (i *Inventory) Candidates(spec *corev1.PodSpec) Candidates { return i.all().candidates(spec) }

// RuntimeUserAgent returns the User-Agent of the most common container runtime of the nodes, such as "containerd/2.4.2". It is
// empty if no node reports a known runtime.
func (i *Inventory) RuntimeUserAgent() string { return i.all().runtimeUserAgent() }

// all returns the nodes that are known now.
func (i *Inventory) all() clusterNodes {
	if !i.delivered() || i.heard.isPast(maxSilence) {
		return clusterNodes{index: new(index), declared: i.declared}
	}
	return clusterNodes{index: i.index, known: true, declared: i.declared}
}

// Snapshot holds the nodes of a cluster at one moment.
type Snapshot struct{ all clusterNodes }

// List reads all nodes once. Declared platforms replace the nodes' own.
func List(ctx context.Context, client Client, declared []imagepull.Platform) (*Snapshot, error) {
	s := &Snapshot{clusterNodes{index: newIndex(), known: true, declared: declared}}
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return client.List(ctx, options)
	})
	err := pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		if n, ok := o.(*corev1.Node); ok {
			s.all.put(newNode(n))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	return s, nil
}

// Candidates returns the nodes that a pod may run on. A nil spec has no constraints.
func (s *Snapshot) Candidates(spec *corev1.PodSpec) Candidates { return s.all.candidates(spec) }

// RuntimeUserAgent returns the User-Agent of the most common container runtime of the nodes, such as "containerd/2.4.2". It is
// empty if no node reports a known runtime.
func (s *Snapshot) RuntimeUserAgent() string { return s.all.runtimeUserAgent() }

// Declared are the platforms of the nodes by the operator's configuration. It may be empty. No Node object is read.
type Declared []imagepull.Platform

// Candidates returns nodes of the declared platforms that the pod's selectors allow. A nil spec has no constraints.
func (d Declared) Candidates(spec *corev1.PodSpec) Candidates {
	c := clusterNodes{index: new(index), declared: d}.candidates(spec)
	c.fromCluster = false
	return c
}
