// Package metrics exports Pullgate's metrics to Prometheus.
//
//	m, err := metrics.New(registry)
//	m.Decided("enforce", "Pod", "deny", elapsed, findings)
//
// No label holds a value that the author of an object can choose, such as an image, a namespace or a host. The number of
// series is bounded by the vocabularies of modes, kinds, decisions, causes, outcomes, reasons and status codes.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Metrics holds the metrics of the handler and of the requests to registries.
type Metrics struct {
	decisions        *prometheus.CounterVec
	duration         *prometheus.HistogramVec
	unchecked        *prometheus.CounterVec
	findings         *prometheus.CounterVec
	requests         *prometheus.CounterVec
	requestDurations prometheus.Histogram
	cacheRequests    *prometheus.CounterVec
}

// New registers the metrics and returns them.
func New(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_admission_decisions_total",
			Help: "Admission decisions by mode of the namespace, kind of the object and decision (allow, warn, deny, exempt).",
		}, []string{"mode", "kind", "decision"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "pullgate_admission_duration_seconds",
			Help:    "Time to decide on an object with images to check.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"decision"}),
		unchecked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_admission_unchecked_total",
			Help: "Objects that were admitted because they could not be checked, by cause (mode, bound, load, object, panic).",
		}, []string{"cause"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_findings_total",
			Help: "Findings, one for each checked use of an image, by outcome and reason.",
		}, []string{"outcome", "reason"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_registry_requests_total",
			Help: `HTTP requests to registries and their token services, by status code, "other" or "error".`,
		}, []string{"code"}),
		requestDurations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "pullgate_registry_request_duration_seconds",
			Help:    "Time from a request to a registry or token service to the header of its response.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
		cacheRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_cache_requests_total",
			Help: "Cache lookups for one image with one credential, by result (hit, miss).",
		}, []string{"result"}),
	}
	all := []prometheus.Collector{m.decisions, m.duration, m.unchecked, m.findings, m.requests, m.requestDurations, m.cacheRequests}
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

// Decided counts one decision and its findings.
func (m *Metrics) Decided(mode, kind, decision string, d time.Duration, findings []imagepull.Finding) {
	m.decisions.WithLabelValues(mode, kind, decision).Inc()
	m.duration.WithLabelValues(decision).Observe(d.Seconds())
	for _, f := range findings {
		m.findings.WithLabelValues(f.Outcome().String(), string(f.Reason)).Inc()
	}
}

// Unchecked counts one object that was admitted unchecked.
func (m *Metrics) Unchecked(cause string) { m.unchecked.WithLabelValues(cause).Inc() }

// Instrument returns a RoundTripper that counts the requests through next.
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

// codeOf returns the status code, or "other" for a code without a name. A registry can return any number, and each would be a
// series.
func codeOf(resp *http.Response, err error) string {
	switch {
	case err != nil:
		return "error"
	case http.StatusText(resp.StatusCode) == "":
		return "other"
	}
	return strconv.Itoa(resp.StatusCode)
}

// CloseIdleConnections closes the idle connections of next, for http.Client.CloseIdleConnections.
func (i *instrumented) CloseIdleConnections() {
	(&http.Client{Transport: i.next}).CloseIdleConnections()
}
