package webhook_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TestEndpointContinuesWhenTheServerStops cancels the server's context before the check.
func TestEndpointContinuesWhenTheServerStops(t *testing.T) {
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
		Observe: func(context.Context, webhook.Observation) {},
		Log:     slog.New(slog.DiscardHandler),
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	body := encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create("Pod", podOf(good))})
	request := httptest.NewRequestWithContext(stopped, http.MethodPost, webhook.Path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	webhook.Endpoint(handler).ServeHTTP(httptest.NewRecorder(), request)
	if !called {
		t.Error("the checker was not called")
	}
}
