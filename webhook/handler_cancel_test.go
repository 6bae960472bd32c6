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
	"github.com/pullgate/pullgate/webhook/policy"
)

// checkerFunc is a Checker that is a function.
type checkerFunc func(context.Context, imagepull.Pod, *corev1.PodSpec) []imagepull.Finding

func (f checkerFunc) Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding {
	return f(ctx, pod, spec)
}

// enforced is the mode of every namespace.
type enforced struct{}

func (enforced) Mode(context.Context, string) (policy.Mode, error) { return policy.ModeEnforce, nil }

// TestHandleOutlivesServer takes away the context of the server that is being stopped: the question goes on, within its
// budget.
func TestHandleOutlivesServer(t *testing.T) {
	t.Parallel()
	asked := false
	handler := &webhook.Handler{
		Checker: checkerFunc(func(ctx context.Context, _ imagepull.Pod, _ *corev1.PodSpec) []imagepull.Finding {
			asked = true
			if err := ctx.Err(); err != nil {
				t.Errorf("the checker's context: got %v, want one that goes on", err)
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
	if !asked {
		t.Error("the checker was not asked")
	}
}
