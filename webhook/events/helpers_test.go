package events_test

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/klog/v2"

	"github.com/pullgate/pullgate/webhook/events"
)

const message = `container "web": image "registry.example/shop/web:gone" cannot be pulled: NotFound: tag not found`

func TestMain(m *testing.M) {
	klog.SetSlogLogger(slog.New(slog.DiscardHandler)) // it logs every Event that is dropped
	m.Run()
}

// replicaSet returns a reference that a controller sets.
func replicaSet(name string) *metav1.OwnerReference {
	return &metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: name, UID: types.UID("uid-of-" + name)}
}

// apiServer records the requests about Events.
type apiServer struct {
	corev1client.EventInterface // not used
	// receive is called for each request, if not nil.
	receive func() error

	mu               sync.Mutex
	created, patched []*corev1.Event
}

// Events implements corev1client.EventsGetter.
func (a *apiServer) Events(string) corev1client.EventInterface { return a }

// CreateWithEventNamespace implements corev1client.EventExpansion.
func (a *apiServer) CreateWithEventNamespace(event *corev1.Event) (*corev1.Event, error) {
	return event, a.record(&a.created, event)
}

// PatchWithEventNamespace implements corev1client.EventExpansion.
func (a *apiServer) PatchWithEventNamespace(event *corev1.Event, _ []byte) (*corev1.Event, error) {
	return event, a.record(&a.patched, event)
}

func (a *apiServer) record(list *[]*corev1.Event, event *corev1.Event) error {
	a.mu.Lock()
	*list = append(*list, event.DeepCopy())
	a.mu.Unlock()
	if a.receive == nil {
		return nil
	}
	return a.receive()
}

// run calls a function with a recorder in a bubble, until all Events are sent.
func (a *apiServer) run(t *testing.T, record func(t *testing.T, r *events.Recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := events.NewRecorder(a)
		record(t, r)
		synctest.Wait()
		r.Close()
	})
}
