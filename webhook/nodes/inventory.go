package nodes

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Client reads Node objects. CoreV1().Nodes() of a clientset is one.
type Client = lister[*corev1.NodeList]

// Inventory watches the nodes of a cluster. Until it has seen all of them for the first time, and for ever where it is not
// allowed to, it knows none. It is safe for concurrent use.
type Inventory struct {
	informer cache.SharedIndexInformer
	declared []imagepull.Platform
	// failed is closed when a list or watch came to nothing for the first time.
	failed chan struct{}
}

// NewInventory returns an inventory that watches once it is started. Declared platforms overrule those of the nodes.
func NewInventory(client Client, declared []imagepull.Platform) (*Inventory, error) {
	i := &Inventory{declared: declared, failed: make(chan struct{})}
	var (
		once sync.Once
		err  error
	)
	i.informer, err = newInformer(client, watched{
		example: &corev1.Node{},
		reduce:  reduce,
		failed: func(ctx context.Context, r *cache.Reflector, err error) {
			once.Do(func() { close(i.failed) })
			cache.DefaultWatchErrorHandler(ctx, r, err)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("nodes: %w", err)
	}
	return i, nil
}

// reduce is the informer's transform. It may be given what it has returned before.
func reduce(o any) (any, error) {
	if n, ok := o.(*corev1.Node); ok {
		return newNode(n), nil
	}
	return o, nil
}

// Start watches until the context ends.
func (i *Inventory) Start(ctx context.Context) error {
	i.informer.RunWithContext(ctx)
	return nil
}

// NeedLeaderElection tells a manager that every replica has an inventory of its own.
func (*Inventory) NeedLeaderElection() bool { return false }

// Synced reports whether waiting any longer is of little use: all nodes are known, or they could not be read.
func (i *Inventory) Synced() bool {
	select {
	case <-i.failed:
		return true
	default:
		return i.informer.HasSynced()
	}
}

// Candidates returns the nodes that a pod may run on. A nil spec asks for nothing.
func (i *Inventory) Candidates(spec *corev1.PodSpec) Candidates {
	all := census{known: i.informer.HasSynced(), declared: i.declared}
	if all.known {
		list := i.informer.GetStore().List()
		all.nodes = make([]*node, 0, len(list))
		for _, o := range list {
			if n, ok := o.(*node); ok {
				all.nodes = append(all.nodes, n)
			}
		}
	}
	return all.candidates(spec)
}

// Snapshot is the nodes of a cluster at one moment.
type Snapshot struct{ all census }

// List reads all nodes once. Declared platforms overrule those of the nodes.
func List(ctx context.Context, client Client, declared []imagepull.Platform) (*Snapshot, error) {
	s := &Snapshot{census{known: true, declared: declared}}
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return client.List(ctx, options)
	})
	err := pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		if n, ok := o.(*corev1.Node); ok {
			s.all.nodes = append(s.all.nodes, newNode(n))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	return s, nil
}

// Candidates returns the nodes that a pod may run on. A nil spec asks for nothing.
func (s *Snapshot) Candidates(spec *corev1.PodSpec) Candidates { return s.all.candidates(spec) }

// Declared is what somebody wrote down of the nodes: their platforms, or nothing. No Node object is read.
type Declared []imagepull.Platform

// Candidates returns nodes of the declared platforms that the pod's selectors allow. A nil spec asks for nothing.
func (d Declared) Candidates(spec *corev1.PodSpec) Candidates {
	c := census{declared: d}.candidates(spec)
	c.asked = false
	return c
}
