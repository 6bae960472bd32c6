package metrics_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/metrics"
)

var errUnreachable = errors.New("unreachable")

// transport is an http.RoundTripper that returns a status, or an error if the status is zero.
type transport struct {
	status int
	closed bool
}

func returning(status int) *transport { return &transport{status: status} }

func (r *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.status == 0 {
		return nil, errUnreachable
	}
	return &http.Response{StatusCode: r.status, Body: http.NoBody, Request: req}, nil
}

func (r *transport) CloseIdleConnections() { r.closed = true }

// get sends one request through the instrumented transport.
func get(t *testing.T, m *metrics.Metrics, next http.RoundTripper) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example/v2/", nil)
	if err != nil {
		t.Fatalf("NewRequest() error = %v, want none", err)
	}
	return m.Instrument(next).RoundTrip(req)
}

func newMetrics(t *testing.T) (*metrics.Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	m, err := metrics.New(registry, vocabulary())
	if err != nil {
		t.Fatalf("New() error = %v, want none", err)
	}
	return m, registry
}

func vocabulary() metrics.Vocabulary {
	return metrics.Vocabulary{
		Modes: []string{"enforce", "warn"}, Kinds: []string{"Pod", "Deployment"}, Causes: []string{"bound", "panic"},
	}
}

// register registers every metric, with a sample of each.
func register(t *testing.T) *prometheus.Registry {
	t.Helper()
	m, registry := newMetrics(t)
	m.Decided(metrics.Decision{Mode: "enforce", Kind: "Pod", Decision: "deny", Budget: time.Second})
	get(t, m, returning(200))
	if _, err := metrics.NewReloads(registry, "0123456789ab"); err != nil {
		t.Fatal(err)
	}
	memory := metrics.Memory{Used: func() int64 { return 1 }, Limit: 2}
	for _, err := range []error{
		metrics.RegisterBuild(registry, "v1.2.3", "unknown"),
		metrics.Watch(registry, gauges),
		metrics.WatchWebhookConfiguration(registry, func() (present, known bool) { return true, true }),
		metrics.WatchCertificate(registry, func() time.Time { return time.Time{} }),
		metrics.WatchNodes(registry, func() metrics.NodeImages { return metrics.NodeImages{} }),
		metrics.WatchReviews(registry, memory, memory),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return registry
}

func gather(t *testing.T, registry *prometheus.Registry) []*dto.MetricFamily {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatalf("Gather() error = %v, want none", err)
	}
	return families
}

// wantSeries compares the named metrics with the exposition format.
func wantSeries(t *testing.T, registry *prometheus.Registry, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

// wantSamples compares the samples of a metric that are not zero. The count is the sample of a histogram. Keys are the values of the
// labels, in the order of their names.
func wantSamples(t *testing.T, registry *prometheus.Registry, metric string, want map[string]float64) {
	t.Helper()
	got := map[string]float64{}
	for _, family := range gather(t, registry) {
		for _, m := range family.GetMetric() {
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			if family.GetName() == metric && value != 0 {
				got[strings.Join(valuesOf(m), " ")] = value
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", metric, diff)
	}
}

func valuesOf(m *dto.Metric) []string {
	var values []string
	for _, pair := range m.GetLabel() {
		values = append(values, pair.GetValue())
	}
	return values
}

func finding(reason imagepull.Reason) imagepull.Finding {
	return imagepull.Finding{
		Use:     imagepull.Use{Name: "web", Image: "registry.example/shop/web:1", Path: "spec.containers[0].image"},
		Verdict: imagepull.Verdict{Reason: reason, Detail: "not a label", Credential: "secret/shop/regcred"},
	}
}

func always(n int) func() int { return func() int { return n } }

func gauges() metrics.Gauges {
	return metrics.Gauges{CacheEntries: always(10000), Inflight: always(8), Waiting: always(3), BackedOff: always(1)}
}
