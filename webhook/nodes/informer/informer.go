// Package informer makes informers that keep a part of each object.
//
//	List, Watch ─ Transform ─ store
//
// A client serves one kind, such as CoreV1().Nodes() of a clientset. An informer factory would need the whole clientset.
//
//	i, err := informer.New(clientset.CoreV1().Nodes(), informer.Options{Example: &corev1.Node{}, Transform: reduce})
package informer

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// Client lists and watches objects of one kind. Its lists have the type L.
type Client[L runtime.Object] interface {
	List(ctx context.Context, options metav1.ListOptions) (L, error)
	Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
}

// Options configure an informer.
type Options struct {
	// Example is an object of the kind.
	Example runtime.Object
	// FieldSelector selects objects; empty selects all.
	FieldSelector string
	// Transform returns the part of an object that the store keeps. Its own results may be passed to it again.
	Transform cache.TransformFunc
	// OnError is called for each failed list or watch.
	OnError cache.WatchErrorHandlerWithContext
	// OnSuccess is called for each list, and for each watch that begins; it may be nil. Even without changes a watch ends after five
	// to ten minutes, and another one begins (client-go: tools/cache/reflector.go, defaultMaxWatchTimeout).
	OnSuccess func()
}

// New returns an informer that has not started.
func New[L runtime.Object](client Client[L], o Options) (cache.SharedIndexInformer, error) {
	report := func(err error) {
		if err == nil && o.OnSuccess != nil {
			o.OnSuccess()
		}
	}
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = o.FieldSelector
			all, err := client.List(ctx, options)
			report(err)
			return all, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = o.FieldSelector
			changes, err := client.Watch(ctx, options)
			report(err)
			return changes, err
		},
	}
	informer := cache.NewSharedIndexInformerWithOptions(
		cache.ToListWatcherWithWatchListSemantics(list, client), o.Example, cache.SharedIndexInformerOptions{})
	if err := informer.SetTransform(o.Transform); err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	if err := informer.SetWatchErrorHandlerWithContext(o.OnError); err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	return informer, nil
}
