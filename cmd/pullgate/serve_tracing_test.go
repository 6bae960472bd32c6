package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/test/otlp"
	"github.com/pullgate/pullgate/webhook"
)

func TestTracingIsOffByDefault(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options tracingOptions
		on      bool
		want    string
	}{
		"off":               {options: tracingOptions{}},
		"on":                {options: tracingOptions{endpoint: "http://192.0.2.1:4318", samplingRate: 100}, on: true},
		"a rate alone":      {options: tracingOptions{samplingRate: 100}, want: "--tracing-sampling-rate-per-million requires --tracing-endpoint"},
		"not a URL":         {options: tracingOptions{endpoint: "localhost:4317"}, want: "--tracing-endpoint: want the URL"},
		"a rate above one":  {options: tracingOptions{endpoint: "http://192.0.2.1:4318", samplingRate: 1_000_001}, want: "--tracing-sampling-rate-per-million: 1000001 is not between 0 and 1000000"},
		"a password in it":  {options: tracingOptions{endpoint: "http://a:b@192.0.2.1:4318"}, want: "--tracing-endpoint: want a URL without user"},
		"a rate below zero": {options: tracingOptions{endpoint: "http://192.0.2.1:4318", samplingRate: -1}, want: "--tracing-sampling-rate-per-million: -1 is not between 0 and 1000000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, end, err := test.options.newTracer(t.Context(), newTestLogging(t, &bytes.Buffer{}))
			if test.want != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.want) {
					t.Errorf("newTracer() = %v, want %q", err, test.want)
				}
				return
			}
			if err != nil || (tracer != nil) != test.on {
				t.Fatalf("newTracer() = %v, %v; want a tracer: %t", tracer, err, test.on)
			}
			end()
		})
	}
}

// Nothing is known about such a request, so that its span has no decision.
func TestRefusedRequestIsASpanWithoutADecision(t *testing.T) {
	t.Parallel()
	receiver := otlp.Start()
	t.Cleanup(receiver.Close)
	tracer, end, err := tracingOptions{endpoint: receiver.URL, samplingRate: 1_000_000}.newTracer(t.Context(), newTestLogging(t, &bytes.Buffer{}))
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	count := func(_ context.Context, o webhook.Observation) {
		if o.Refused {
			refused++
		}
	}
	endpoint := tracer.Handler(webhook.Endpoint(&webhook.Handler{Observe: traced(count, tracer), Log: slog.New(slog.DiscardHandler)}))
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, strings.NewReader("{")))
	end()
	spans := receiver.Spans()
	if w.Code != http.StatusBadRequest || refused != 1 || len(spans) != 1 || len(spans[0].GetAttributes()) > 0 {
		t.Errorf("status %d, refused %d, spans %v; want one span without attributes", w.Code, refused, spans)
	}
}
