// Package tracing sends OpenTelemetry traces: a span for each review, with a child for each request to a registry.
//
//	t, err := tracing.New(tracing.Options{Endpoint: "http://192.0.2.1:4318", SamplingRatePerMillion: 100, Log: log})
//	handler := t.Handler(endpoint)        // continues the trace of the API server
//	transport := t.Transport(transport)   // sends no trace to registries
//	t.Close(ctx)
//
// A span has the names of hosts, which the author of a pod chooses. It has no path, no header and no text of an error.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// perMillion is the sampling rate of all traces.
const perMillion = 1_000_000

// Options configure a Tracer, with the words of Kubernetes' TracingConfiguration.
type Options struct {
	// Endpoint is the URL of an OTLP receiver, such as http://192.0.2.1:4318. The spans are sent to the path /v1/traces below it.
	Endpoint string
	// SamplingRatePerMillion is the number of traces, of a million that begin here, whose spans are sent. A trace of the API server
	// is sent if the API server sends it.
	SamplingRatePerMillion int
	// Version and Instance describe this process.
	Version, Instance string
	// Log receives a message when the receiver fails, and when it works again.
	Log *slog.Logger
}

// Tracer makes spans.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// New returns a Tracer that sends batches of spans in the background. It drops spans that exceed its queue.
func New(o Options) (*Tracer, error) {
	client, err := newClient(o.Endpoint, o.Log)
	if err != nil {
		return nil, fmt.Errorf("--tracing-endpoint: %w", err)
	}
	otel.SetLogger(logr.FromSlogHandler(o.Log.Handler())) // the SDK logs to standard error otherwise
	return newTracer(o, sdktrace.WithBatcher(otlptrace.NewUnstarted(client)))
}

func newTracer(o Options, processor sdktrace.TracerProviderOption) (*Tracer, error) {
	if o.SamplingRatePerMillion < 0 || o.SamplingRatePerMillion > perMillion {
		return nil, fmt.Errorf("--tracing-sampling-rate-per-million: %d is not between 0 and %d", o.SamplingRatePerMillion, perMillion)
	}
	provider := sdktrace.NewTracerProvider(
		processor,
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(float64(o.SamplingRatePerMillion)/perMillion))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "pullgate"),
			attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", o.Instance),
		)),
	)
	return &Tracer{provider, provider.Tracer("github.com/pullgate/pullgate")}, nil
}

// Close sends the spans that are left.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Handler returns a handler with a span for each request. The span is a child of the one in the header traceparent.
func (t *Tracer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, "review", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Decision describes a decision in the span of its review.
type Decision struct {
	UID, Namespace, Kind, Mode, Decision string
	Findings                             []imagepull.Finding
}

// Decided adds a decision to the span of the context.
func (t *Tracer) Decided(ctx context.Context, d Decision) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	var reasons []string
	for _, f := range d.Findings {
		reasons = append(reasons, string(f.Reason))
	}
	slices.Sort(reasons)
	span.SetAttributes(
		attribute.String("pullgate.uid", d.UID),
		attribute.String("k8s.namespace.name", d.Namespace),
		attribute.String("pullgate.kind", d.Kind),
		attribute.String("pullgate.mode", d.Mode),
		attribute.String("pullgate.decision", d.Decision),
		attribute.Int("pullgate.images", len(d.Findings)),
		attribute.StringSlice("pullgate.reasons", slices.Compact(reasons)),
	)
}

// Unchecked adds the cause for which an object was admitted unchecked to the span of the context.
func (t *Tracer) Unchecked(ctx context.Context, cause string) {
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.String("pullgate.unchecked", cause))
	span.SetStatus(codes.Error, "unchecked")
}

// Transport returns a RoundTripper with a span for each request, until the header of the response. Concurrent reviews share a
// request, which is a child of the first one.
//
// The request gets no header: a registry, whose host the author of a pod chooses, must not learn of the trace.
func (t *Tracer) Transport(next http.RoundTripper) http.RoundTripper {
	return &transport{t.tracer, next}
}

type transport struct {
	tracer trace.Tracer
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	_, span := t.tracer.Start(req.Context(), "registry request", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", req.Method), attribute.String("server.address", req.URL.Host),
	))
	defer span.End()
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		span.SetAttributes(attribute.String("error.type", errorType(err)))
		span.SetStatus(codes.Error, "")
		return nil, err
	}
	// A status of 401 or 404 is not an error. It may be a challenge, or the reason for a denial.
	span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
	return resp, nil
}

// CloseIdleConnections closes the idle connections of next, for http.Client.CloseIdleConnections.
func (t *transport) CloseIdleConnections() {
	(&http.Client{Transport: t.next}).CloseIdleConnections()
}

// errorType returns one word of a closed vocabulary. The text of an error may have an address of a private network.
func errorType(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "other"
}
