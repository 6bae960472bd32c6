// Package metrics counts what Pullgate does, for Prometheus.
//
// No label holds anything that a tenant could choose: neither image nor namespace nor host. So the number of series is
// fixed by the vocabularies of modes, kinds, decisions, outcomes, reasons and status codes.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Metrics are Pullgate's own.
type Metrics struct {
	decisions        *prometheus.CounterVec
	duration         *prometheus.HistogramVec
	findings         *prometheus.CounterVec
	requests         *prometheus.CounterVec
	requestDurations prometheus.Histogram
	cacheRequests    *prometheus.CounterVec
}

// New registers the metrics.
func New(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_admission_decisions_total",
			Help: "Admission decisions by mode of the namespace, kind of the object and decision (allow, warn, deny).",
		}, []string{"mode", "kind", "decision"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "pullgate_admission_duration_seconds",
			Help:    "Time to decide on an object with images to check.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"decision"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_findings_total",
			Help: "Findings, one for each image use that was looked at, by outcome and reason.",
		}, []string{"outcome", "reason"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_registry_requests_total",
			Help: `HTTP requests to registries and their token services, by status code, or "other" or "error" without a known one.`,
		}, []string{"code"}),
		requestDurations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "pullgate_registry_request_duration_seconds",
			Help:    "Time from sending a request to a registry or token service to the header of its answer.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
		cacheRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_cache_requests_total",
			Help: "Questions about one image with one credential, by whether memory had the answer (hit, miss).",
		}, []string{"result"}),
	}
	all := []prometheus.Collector{m.decisions, m.duration, m.findings, m.requests, m.requestDurations, m.cacheRequests}
	if err := register(registry, all...); err != nil {
		return nil, err
	}
	return m, nil
}

func register(registry prometheus.Registerer, all ...prometheus.Collector) error {
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Decided counts one decision and the findings that it rests on.
func (m *Metrics) Decided(mode, kind, decision string, d time.Duration, findings []imagepull.Finding) {
	m.decisions.WithLabelValues(mode, kind, decision).Inc()
	m.duration.WithLabelValues(decision).Observe(d.Seconds())
	for _, f := range findings {
		m.findings.WithLabelValues(f.Outcome().String(), string(f.Reason)).Inc()
	}
}

// Instrument counts the requests that go through next.
func (m *Metrics) Instrument(next http.RoundTripper) http.RoundTripper {
	return &instrumented{m, next}
}

type instrumented struct {
	metrics *Metrics
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (i *instrumented) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := i.next.RoundTrip(req)
	i.metrics.requestDurations.Observe(time.Since(start).Seconds())
	i.metrics.requests.WithLabelValues(codeOf(resp, err)).Inc()
	return resp, err
}

// codeOf is the status code if it is one that has a name: a registry may answer with any number, and each would be a series.
func codeOf(resp *http.Response, err error) string {
	switch {
	case err != nil:
		return "error"
	case http.StatusText(resp.StatusCode) == "":
		return "other"
	}
	return strconv.Itoa(resp.StatusCode)
}

// CloseIdleConnections passes on what http.Client's method of that name asks for.
func (i *instrumented) CloseIdleConnections() {
	(&http.Client{Transport: i.next}).CloseIdleConnections()
}
