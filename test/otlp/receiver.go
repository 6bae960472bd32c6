// Package otlp is a receiver of OpenTelemetry traces for tests: OTLP over HTTP with protobuf.
package otlp

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Receiver keeps the spans that it receives.
type Receiver struct {
	// URL is the endpoint.
	URL    string
	server *httptest.Server

	mu       sync.Mutex
	status   int
	requests int
	received []*tracepb.ResourceSpans
}

// Start starts a receiver. The caller closes it.
func Start() *Receiver {
	r := &Receiver{status: http.StatusOK}
	r.server = httptest.NewServer(r)
	r.URL = r.server.URL
	return r
}

// Close stops the receiver.
func (r *Receiver) Close() { r.server.Close() }

// Respond sets the status of the next responses. With another one than 200 the receiver keeps no spans. A redirect leads to the
// receiver itself.
func (r *Receiver) Respond(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// Requests returns the number of requests.
func (r *Receiver) Requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// Received returns all that was received, in the order of arrival.
func (r *Receiver) Received() []*tracepb.ResourceSpans {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.received)
}

// Spans returns the spans, in the order of arrival.
func (r *Receiver) Spans() []*tracepb.Span {
	var spans []*tracepb.Span
	for _, resource := range r.Received() {
		for _, scope := range resource.GetScopeSpans() {
			spans = append(spans, scope.GetSpans()...)
		}
	}
	return spans
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	if r.status != http.StatusOK {
		w.Header().Set("Location", r.URL+req.URL.Path)
		w.WriteHeader(r.status)
		return
	}
	var data tracepb.TracesData
	if err == nil {
		err = proto.Unmarshal(body, &data)
	}
	isTraces := req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/v1/traces") && req.Header.Get("Content-Type") == "application/x-protobuf"
	if err != nil || !isTraces {
		http.Error(w, fmt.Sprint("not an OTLP request: ", err), http.StatusBadRequest)
		return
	}
	r.received = append(r.received, data.GetResourceSpans()...)
}
