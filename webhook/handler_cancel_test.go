package webhook_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TestHandleContinuesWhenTheServerStops cancels the server's context before the check.
func TestHandleContinuesWhenTheServerStops(t *testing.T) {
	t.Parallel()
	called := false
	handler := &webhook.Handler{
		Checker: checkerFunc(func(ctx context.Context, _ imagepull.Pod, _ *corev1.PodSpec) []imagepull.Finding {
			called = true
			if err := ctx.Err(); err != nil {
				t.Errorf("the checker's context: got %v, want none", err)
			}
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("the checker's context has no deadline")
			}
			return nil
		}),
		Modes:   enforced{},
		Budget:  webhook.Budget{Admission: time.Minute},
		Observe: func(webhook.Observation) {},
		Log:     slog.New(slog.DiscardHandler),
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	pod := []byte(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"web","image":"registry.example/web:1"}]}}`)
	handler.Handle(stopped, admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		Operation: admissionv1.Create, Namespace: "shop", Object: runtime.RawExtension{Raw: pod},
	}})
	if !called {
		t.Error("the checker was not called")
	}
}
