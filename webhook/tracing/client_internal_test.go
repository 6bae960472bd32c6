package tracing

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/pullgate/pullgate/test/otlp"
)

func newReceiver(t *testing.T) *otlp.Receiver {
	t.Helper()
	r := otlp.Start()
	t.Cleanup(r.Close)
	return r
}

// review sends a review that costs a request to a registry.
func review(t *testing.T, tracer *Tracer, registry string) {
	t.Helper()
	transport := tracer.Transport(http.DefaultTransport)
	handler := tracer.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodHead, registry, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", nil))
}

func TestReceiverGetsTheSpansOfAReview(t *testing.T) {
	t.Parallel()
	receiver, registry := newReceiver(t), httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(registry.Close)
	var log bytes.Buffer
	tracer, err := New(Options{
		Endpoint: receiver.URL + "/collector/", SamplingRatePerMillion: 1_000_000, Instance: "pullgate-0",
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	review(t, tracer, registry.URL)
	if err := tracer.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	spans := receiver.Spans()
	if len(spans) != 2 || log.Len() > 0 {
		t.Fatalf("spans %v, want 2; log %q", spans, &log)
	}
	child, parent := spans[0], spans[1]
	if child.GetName() != "registry request" || parent.GetName() != "review" || !bytes.Equal(child.GetParentSpanId(), parent.GetSpanId()) {
		t.Errorf("spans %v, want a request below a review", spans)
	}
	resource := fmt.Sprint(receiver.Received()[0].GetResource())
	for _, want := range []string{"service.name", "pullgate", "service.instance.id", "pullgate-0"} {
		if !strings.Contains(resource, want) {
			t.Errorf("the resource %s has no %s", resource, want)
		}
	}
}

// A receiver that fails costs its spans, and one line.
func TestFailuresOfTheReceiverAreLoggedOnce(t *testing.T) {
	t.Parallel()
	receiver := newReceiver(t)
	var log bytes.Buffer
	client, err := newClient(receiver.URL+"/collector", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	batch := []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{Name: "review"}}}}}}
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTemporaryRedirect, http.StatusOK, http.StatusOK} {
		receiver.Respond(status)
		if err := client.UploadTraces(t.Context(), batch); err != nil {
			t.Errorf("UploadTraces: %v", err)
		}
	}
	if err := client.Stop(t.Context()); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if requests, spans := receiver.Requests(), len(receiver.Spans()); requests != 4 || spans != 2 {
		t.Errorf("%d requests with %d spans, want 4 and the spans of the last two", requests, spans)
	}
	var got []string
	for line := range strings.Lines(log.String()) {
		_, line, _ = strings.Cut(line, "level=")
		got = append(got, strings.TrimSpace(strings.ReplaceAll(line, receiver.URL, "URL")))
	}
	want := []string{
		`WARN msg="cannot send traces" endpoint=URL/collector/v1/traces error="status 503"`,
		`INFO msg="traces are sent again" endpoint=URL/collector/v1/traces`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestEndpointIsAURL(t *testing.T) {
	t.Parallel()
	const notURL, parts = "want the URL of an OTLP receiver for HTTP, such as http://192.0.2.1:4318", "want a URL without user, query and fragment"
	for endpoint, want := range map[string]string{
		"http://192.0.2.1:4318":                   "",
		"https://collector.example":               "",
		"http://[2001:db8::1]:4318/collector":     "",
		"localhost:4317":                          notURL,
		"192.0.2.1:4317":                          notURL,
		"grpc://192.0.2.1:4317":                   notURL,
		"http://":                                 notURL,
		"http://:4318":                            notURL,
		"collector":                               notURL,
		"http://alice:s3cr3t@192.0.2.1:4318":      parts,
		"http://192.0.2.1:4318?token=s3cr3t":      parts,
		"http://192.0.2.1:4318/#s3cr3t":           parts,
		"http://alice:s3cr3t@192.0.2.1:port":      notURL,
		"http://192.0.2.1:4318/\x7f?token=s3cr3t": notURL,
	} {
		tracer, err := New(Options{Endpoint: endpoint, Log: slog.New(slog.DiscardHandler)})
		switch {
		case err != nil && err.Error() != "--tracing-endpoint: "+want, err == nil && want != "":
			t.Errorf("New(%q) = %v, want %q", endpoint, err, want)
		case err == nil:
			if err := tracer.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
	}
}
