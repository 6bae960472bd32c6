package informer_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/pullgate/pullgate/webhook/nodes/informer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is an informer.Client with one node.
type client struct {
	watcher *watch.FakeWatcher
	// selectors are the field selectors of the requests.
	selectors []string
}

func (c *client) List(_ context.Context, options metav1.ListOptions) (*corev1.NodeList, error) {
	c.selectors = append(c.selectors, "list "+options.FieldSelector)
	node := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"pool": "web"}}}
	return &corev1.NodeList{Items: []corev1.Node{node}}, nil
}

func (c *client) Watch(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
	c.selectors = append(c.selectors, "watch "+options.FieldSelector)
	return c.watcher, nil
}

// IsWatchListSemanticsUnSupported makes the informer list before it watches.
func (*client) IsWatchListSemanticsUnSupported() bool { return true }

func TestInformerSelectsAndTransforms(t *testing.T) {
	t.Parallel()
	c := &client{watcher: watch.NewFake()}
	i, err := informer.New(c, informer.Options{
		Example:       &corev1.Node{},
		FieldSelector: "metadata.name=a",
		Transform: func(o any) (any, error) {
			return &metav1.ObjectMeta{Name: o.(*corev1.Node).Name}, nil
		},
		OnError: cache.DefaultWatchErrorHandler,
	})
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		i.RunWithContext(ctx)
	}()
	if !cache.WaitForCacheSync(ctx.Done(), i.HasSynced) {
		t.Fatal("the informer is not synced")
	}
	// A watch starts after the list, so this blocks until both requests are sent.
	c.watcher.Modify(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
	cancel()
	<-done
	if diff := cmp.Diff([]any{&metav1.ObjectMeta{Name: "a"}}, i.GetStore().List()); diff != "" {
		t.Errorf("store (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"list metadata.name=a", "watch metadata.name=a"}, c.selectors); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
