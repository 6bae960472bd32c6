package integration

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// traceparent is the header of an administrator's request in a trace that is sampled.
const traceID, traceparent = "4bf92f3577b34da6a3ce929d0e0e4736", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// roundTripper is a function that implements http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

// testTraces creates a pod within a trace. The API server passes the trace to the webhook, which sends its spans: one for the review,
// and below it one for each request to the registry. No other review has spans.
func testTraces(t *testing.T, e *environment) {
	traced := rest.CopyConfig(e.config)
	traced.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Set("Traceparent", traceparent)
			return next.RoundTrip(req)
		})
	})
	c, err := client.New(traced, client.Options{Mapper: e.mapper})
	if err != nil {
		t.Fatal(err)
	}
	pod := newPod(e.namespace(t, "enforce"), e.registry.expand(imageGone))
	if err := c.Create(t.Context(), pod, client.DryRunAll); err == nil {
		t.Error("a pod whose image is gone was admitted")
	}

	var review *tracepb.Span
	eventually(t, "the span of the review", func(context.Context) bool {
		spans := e.traces.Spans()
		if i := slices.IndexFunc(spans, func(s *tracepb.Span) bool { return s.GetName() == "review" }); i >= 0 {
			review = spans[i]
		}
		return review != nil
	})
	if len(review.GetParentSpanId()) == 0 {
		t.Error("the review has no parent, want the span of the API server")
	}
	requests := 0
	for _, span := range e.traces.Spans() {
		if got := hex.EncodeToString(span.GetTraceId()); got != traceID {
			t.Errorf("span %s is in the trace %s, want only %s", span.GetName(), got, traceID)
		}
		if span.GetName() == "registry request" && slices.Equal(span.GetParentSpanId(), review.GetSpanId()) {
			requests++
		}
	}
	if requests == 0 {
		t.Errorf("no span of a request to the registry below the review: %v", e.traces.Spans())
	}
}
