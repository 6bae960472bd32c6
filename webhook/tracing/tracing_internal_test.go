package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// newRecorded returns a tracer, and the exporter with its spans.
func newRecorded(t *testing.T, rate int) (*Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	tracer, err := newTracer(Options{SamplingRatePerMillion: rate, Version: "v1", Instance: "pullgate-0"}, sdktrace.WithSyncer(exporter))
	if err != nil {
		t.Fatal(err)
	}
	return tracer, exporter
}

// attributes returns the attributes of a span by key.
func attributes(span tracetest.SpanStub) map[string]any {
	all := map[string]any{}
	for _, a := range span.Attributes {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

func TestReviewContinuesTheTraceOfTheAPIServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		traceparent string
		rate        int
		spans       int
		parent      string
	}{
		"sampled by the API server":           {"00-" + traceID + "-" + spanID + "-01", 0, 1, spanID},
		"not sampled by the API server":       {"00-" + traceID + "-" + spanID + "-00", perMillion, 0, ""},
		"an API server without traces":        {"", 0, 0, ""},
		"an API server without traces, rate":  {"", perMillion, 1, ""},
		"a malformed header":                  {"00-zz-zz-01", 0, 0, ""},
		"a malformed header, rate":            {"00-zz-zz-01", perMillion, 1, ""},
		"a trace of zeros":                    {"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01", 0, 0, ""},
		"sampled by the API server, and rate": {"00-" + traceID + "-" + spanID + "-01", perMillion, 1, spanID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, exporter := newRecorded(t, test.rate)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", nil)
			r.Header.Set("Traceparent", test.traceparent)
			called := false
			tracer.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })).ServeHTTP(httptest.NewRecorder(), r)
			spans := exporter.GetSpans()
			if !called || len(spans) != test.spans {
				t.Fatalf("called: %t, %d spans, want a call and %d", called, len(spans), test.spans)
			}
			if test.parent == "" {
				return
			}
			got := spans[0]
			if got.Parent.SpanID().String() != test.parent || got.SpanContext.TraceID().String() != traceID || got.SpanKind != trace.SpanKindServer {
				t.Errorf("span %v of the parent %v, want one of %s in %s", got.SpanContext, got.Parent, test.parent, traceID)
			}
		})
	}
}

func TestSpansDescribeTheirDecision(t *testing.T) {
	t.Parallel()
	finding := func(r imagepull.Reason) imagepull.Finding {
		return imagepull.Finding{Verdict: imagepull.Verdict{Reason: r}}
	}
	for name, test := range map[string]struct {
		describe func(context.Context, *Tracer)
		want     map[string]any
	}{
		"a decision": {
			func(ctx context.Context, tracer *Tracer) {
				tracer.Decided(ctx, Decision{UID: "1", Namespace: "shop", Kind: "Pod", Mode: "enforce", Decision: "deny", Findings: []imagepull.Finding{
					finding(imagepull.ReasonPullable), finding(imagepull.ReasonNotFound), finding(imagepull.ReasonNotFound),
				}})
			},
			map[string]any{
				"pullgate.uid": "1", "k8s.namespace.name": "shop", "pullgate.kind": "Pod", "pullgate.mode": "enforce",
				"pullgate.decision": "deny", "pullgate.images": int64(3), "pullgate.reasons": []string{"NotFound", "Pullable"},
			},
		},
		"unchecked": {func(ctx context.Context, tracer *Tracer) { tracer.Unchecked(ctx, "bound") }, map[string]any{"pullgate.unchecked": "bound"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, exporter := newRecorded(t, perMillion)
			tracer.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { test.describe(r.Context(), tracer) })).
				ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", nil))
			spans := exporter.GetSpans()
			if len(spans) != 1 {
				t.Fatalf("%d spans, want 1", len(spans))
			}
			if diff := cmp.Diff(test.want, attributes(spans[0])); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
}

// A registry must not learn of the trace, and the span nothing of what is secret.
func TestRegistriesReceiveNoTraceAndSpansNoSecret(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	var received http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received = r.Header
		w.Header().Set("Www-Authenticate", secret)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	tracer, exporter := newRecorded(t, perMillion)
	ctx, parent := tracer.tracer.Start(t.Context(), "review")
	send := func(transport http.RoundTripper) http.Header {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, server.URL+"/v2/"+secret+"/manifests/1?token="+secret, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("alice", secret)
		req.URL.User = nil
		before := req.Header.Clone()
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d, %v", resp.StatusCode, err)
		}
		if diff := cmp.Diff(before, req.Header); diff != "" {
			t.Errorf("the request is changed (-before +after):\n%s", diff)
		}
		return received
	}
	want := send(http.DefaultTransport)
	if diff := cmp.Diff(want, send(tracer.Transport(http.DefaultTransport))); diff != "" {
		t.Errorf("headers (-without +with a trace):\n%s", diff)
	}
	parent.End()
	spans := exporter.GetSpans()
	if len(spans) != 2 || spans[0].Parent.SpanID() != parent.SpanContext().SpanID() || spans[0].SpanKind != trace.SpanKindClient {
		t.Fatalf("spans %v, want a request below a review", spans)
	}
	wantAttributes := map[string]any{
		"http.request.method": "HEAD", "server.address": strings.TrimPrefix(server.URL, "http://"), "http.response.status_code": int64(401),
	}
	if diff := cmp.Diff(wantAttributes, attributes(spans[0])); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if text := fmt.Sprintf("%+v", spans); strings.Contains(text, secret) {
		t.Errorf("a span has the secret: %s", text)
	}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "dial tcp 10.0.0.1:443: i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

// failing is a RoundTripper that returns an error. It counts the calls of CloseIdleConnections.
type failing struct {
	err    error
	closed int
}

func (f *failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }
func (f *failing) CloseIdleConnections()                           { f.closed++ }

func TestSpansNameTheKindOfAnError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"deadline": {fmt.Errorf("sending: %w", context.DeadlineExceeded), "timeout"},
		"timeout":  {fmt.Errorf("sending: %w", timeoutError{}), "timeout"},
		"canceled": {fmt.Errorf("sending: %w", context.Canceled), "canceled"},
		"other":    {errors.New("dial tcp 10.0.0.1:443: connection refused"), "other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, exporter := newRecorded(t, perMillion)
			next := &failing{err: test.err}
			transport := tracer.Transport(next)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example:5000/v2/", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(req)
			if !errors.Is(err, test.err) {
				t.Errorf("RoundTrip() = %v, want %v", err, test.err)
			}
			if err == nil {
				_ = resp.Body.Close()
			}
			want := map[string]any{"http.request.method": "GET", "server.address": "registry.example:5000", "error.type": test.want}
			spans := exporter.GetSpans()
			if diff := cmp.Diff(want, attributes(spans[0])); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if text := fmt.Sprintf("%+v", spans); strings.Contains(text, "10.0.0.1") {
				t.Errorf("a span has an address of a private network: %s", text)
			}
			(&http.Client{Transport: transport}).CloseIdleConnections()
			if next.closed != 1 {
				t.Errorf("idle connections are closed %d times, want once", next.closed)
			}
		})
	}
}

// Of many traces that begin here, the rate is sent.
func TestRateSamplesTraces(t *testing.T) {
	t.Parallel()
	const traces = 2000
	tracer, exporter := newRecorded(t, perMillion/2)
	for range traces {
		_, span := tracer.tracer.Start(t.Context(), "review")
		span.End()
	}
	if got := len(exporter.GetSpans()); got < traces/4 || got > traces*3/4 {
		t.Errorf("%d of %d traces, want about a half", got, traces)
	}
	for _, rate := range []int{-1, perMillion + 1} {
		if _, err := newTracer(Options{SamplingRatePerMillion: rate}, sdktrace.WithSyncer(exporter)); err == nil {
			t.Errorf("a rate of %d is accepted", rate)
		}
	}
}

func TestResourceNamesTheProcess(t *testing.T) {
	t.Parallel()
	tracer, exporter := newRecorded(t, perMillion)
	_, span := tracer.tracer.Start(t.Context(), "review")
	span.End()
	for key, want := range map[string]string{"service.name": "pullgate", "service.version": "v1", "service.instance.id": "pullgate-0"} {
		if !slices.Contains(exporter.GetSpans()[0].Resource.Attributes(), attribute.String(key, want)) {
			t.Errorf("the resource %v has no %s %s", exporter.GetSpans()[0].Resource, key, want)
		}
	}
}
