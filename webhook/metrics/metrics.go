// Package metrics exports Pullgate's metrics to Prometheus.
//
//	m, err := metrics.New(registry, metrics.Vocabulary{Modes: …, Kinds: …, Causes: …})
//	m.Decided(metrics.Decision{Mode: "enforce", Kind: "Pod", Decision: "deny", Duration: elapsed, Findings: findings})
//
// No label holds a value that the author of an object can choose, such as an image, a namespace or a host. The number of
// series is bounded by the vocabularies of modes, kinds, decisions, causes, outcomes, reasons and status codes. A value that is in
// no vocabulary is counted as "other".
//
// Counters of events that an alert must not miss exist from the start with the value 0: Prometheus sees no increase in a series
// whose first sample is 1.
package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// other replaces the value of a label that is not in its vocabulary.
const other = "other"

// Vocabulary lists the values that the labels of the same names may have.
type Vocabulary struct{ Modes, Kinds, Causes []string }

// Metrics holds the metrics of the handler and of the requests to registries.
type Metrics struct {
	vocabulary       Vocabulary
	decisions        *prometheus.CounterVec
	duration         *prometheus.HistogramVec
	budgetUsed       prometheus.Histogram
	unchecked        *prometheus.CounterVec
	refused          *prometheus.CounterVec
	findings         *prometheus.CounterVec
	requests         *prometheus.CounterVec
	requestDurations prometheus.Histogram
	cacheRequests    *prometheus.CounterVec
}

// New registers the metrics and returns them.
func New(registry prometheus.Registerer, v Vocabulary) (*Metrics, error) {
	m := &Metrics{
		vocabulary: v,
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_admission_decisions_total",
			Help: "Admission decisions by mode of the namespace, kind of the object and decision (allow, warn, deny, exempt).",
		}, []string{"mode", "kind", "decision"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pullgate_admission_duration_seconds",
			Help: "Time to decide on an object with images to check.",
			// The budget is 4 s with the shipped timeout of 5 s, and at most 8 s by default.
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 3, 3.5, 4, 4.5, 6, 8, 10},
		}, []string{"decision"}),
		budgetUsed: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "pullgate_admission_budget_used_ratio",
			Help:    "Time to decide on an object with images to check, as part of the time until the response is due.",
			Buckets: []float64{.001, .01, .05, .1, .25, .5, .75, .9, .95, 1, 1.1},
		}),
		unchecked: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_admission_unchecked_total",
			Help: "Objects that were admitted because they could not be checked, by cause (mode, bound, load, object, panic).",
		}, []string{"cause"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pullgate_callers_refused_total",
			Help: "Callers that were refused, by cause: connections of one address (connections), no TLS connection (tls), not a review (review).",
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
	if err := register(registry, m.decisions, m.duration, m.budgetUsed, m.unchecked, m.refused, m.findings, m.requests,
		m.requestDurations, m.cacheRequests); err != nil {
		return nil, err
	}
	m.initialize()
	return m, nil
}

// initialize makes the series whose labels are known.
func (m *Metrics) initialize() {
	for _, cause := range m.vocabulary.Causes {
		m.unchecked.WithLabelValues(cause)
	}
	for _, refusal := range Refusals() {
		m.refused.WithLabelValues(string(refusal))
	}
	for _, reason := range imagepull.Reasons() {
		m.findings.WithLabelValues(reason.Outcome().String(), string(reason))
	}
	for _, decision := range decisions() {
		m.duration.WithLabelValues(decision)
	}
	for _, result := range []string{"hit", "miss"} {
		m.cacheRequests.WithLabelValues(result)
	}
}

func register(registry prometheus.Registerer, all ...prometheus.Collector) error {
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Decision describes a decision on one object.
type Decision struct {
	Mode, Kind, Decision string
	// Duration is the time that the decision took, and Budget the time that it had. A budget of zero is not known.
	Duration, Budget time.Duration
	Findings         []imagepull.Finding
}

func decisions() []string { return []string{"allow", "warn", "deny", "exempt"} }

// Decided counts one decision and its findings.
func (m *Metrics) Decided(d Decision) {
	decision := oneOf(decisions(), d.Decision)
	m.decisions.WithLabelValues(oneOf(m.vocabulary.Modes, d.Mode), oneOf(m.vocabulary.Kinds, d.Kind), decision).Inc()
	m.duration.WithLabelValues(decision).Observe(d.Duration.Seconds())
	if d.Budget > 0 {
		m.budgetUsed.Observe(d.Duration.Seconds() / d.Budget.Seconds())
	}
	for _, f := range d.Findings {
		m.findings.WithLabelValues(f.Outcome().String(), string(oneOf(imagepull.Reasons(), f.Reason))).Inc()
	}
}

// oneOf returns a value of the vocabulary, or "other".
func oneOf[S ~string](vocabulary []S, value S) S {
	if slices.Contains(vocabulary, value) {
		return value
	}
	return other
}

// Unchecked counts one object that was admitted unchecked.
func (m *Metrics) Unchecked(cause string) {
	m.unchecked.WithLabelValues(oneOf(m.vocabulary.Causes, cause)).Inc()
}

// Refusal is the cause for which a caller was refused.
type Refusal string

// The causes.
const (
	// RefusedConnections means that the address of the caller has too many connections.
	RefusedConnections Refusal = "connections"
	// RefusedTLS means that caller and server did not agree on a TLS connection: one of them does not accept the certificate of the
	// other.
	RefusedTLS Refusal = "tls"
	// RefusedReview means that the request is not a valid AdmissionReview.
	RefusedReview Refusal = "review"
)

// Refusals returns every Refusal.
func Refusals() []Refusal { return []Refusal{RefusedConnections, RefusedTLS, RefusedReview} }

// Refused counts one caller that was refused.
func (m *Metrics) Refused(cause Refusal) { m.refused.WithLabelValues(string(cause)).Inc() }
