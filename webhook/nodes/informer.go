package nodes

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// lister reads objects of one kind, in lists of type L. A typed client of a clientset is one.
type lister[L runtime.Object] interface {
	List(ctx context.Context, options metav1.ListOptions) (L, error)
	Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
}

// watched is what an informer looks at, and what it does with that.
type watched struct {
	// example is an object of the kind.
	example runtime.Object
	// fields select objects; all when empty.
	fields string
	// reduce leaves of an object what is wanted. It may be given what it has returned before.
	reduce cache.TransformFunc
	// failed is told of each list or watch that came to nothing.
	failed cache.WatchErrorHandlerWithContext
}

func newInformer[L runtime.Object](client lister[L], w watched) (cache.SharedIndexInformer, error) {
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = w.fields
			return client.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = w.fields
			return client.Watch(ctx, options)
		},
	}
	informer := cache.NewSharedIndexInformerWithOptions(
		cache.ToListWatcherWithWatchListSemantics(list, client), w.example, cache.SharedIndexInformerOptions{})
	if err := informer.SetTransform(w.reduce); err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	if err := informer.SetWatchErrorHandlerWithContext(w.failed); err != nil {
		return nil, fmt.Errorf("watching: %w", err)
	}
	return informer, nil
}
