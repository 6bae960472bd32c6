package metrics_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/metrics"
)

func TestDecidedCountsDecisionsAndFindings(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	m.Decided(metrics.Decision{Mode: "enforce", Kind: "Pod", Decision: "deny", Findings: []imagepull.Finding{
		finding(imagepull.ReasonNotFound), finding(imagepull.ReasonNotFound), finding(imagepull.ReasonPullable),
	}})
	m.Decided(metrics.Decision{Mode: "enforce", Kind: "Pod", Decision: "deny", Findings: []imagepull.Finding{finding(imagepull.ReasonRateLimited)}})
	m.Decided(metrics.Decision{Mode: "warn", Kind: "Deployment", Decision: "allow"})
	wantSamples(t, registry, "pullgate_admission_decisions_total", map[string]float64{"deny Pod enforce": 2, "allow Deployment warn": 1})
	wantSamples(t, registry, "pullgate_findings_total", map[string]float64{
		"Indeterminate RateLimited": 1, "Pullable Pullable": 1, "Unpullable NotFound": 2,
	})
}

func TestCountersOfCauses(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for _, cause := range []string{"bound", "panic", "bound"} {
		m.Unchecked(cause)
	}
	for _, cause := range append(metrics.Refusals(), metrics.RefusedTLS) {
		m.Refused(cause)
	}
	for _, hit := range []bool{true, false, true} {
		m.CacheLookup(hit)
	}
	wantSamples(t, registry, "pullgate_admission_unchecked_total", map[string]float64{"bound": 2, "panic": 1})
	wantSamples(t, registry, "pullgate_callers_refused_total", map[string]float64{"connections": 1, "tls": 2, "review": 1})
	wantSamples(t, registry, "pullgate_cache_requests_total", map[string]float64{"hit": 2, "miss": 1})
}

func TestDecidedObservesTheDurationAndTheBudget(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for _, used := range []time.Duration{3 * time.Millisecond, 1900 * time.Millisecond, 3800 * time.Millisecond, 4100 * time.Millisecond} {
		m.Decided(metrics.Decision{Mode: "enforce", Kind: "Pod", Decision: "deny", Duration: used, Budget: 4 * time.Second})
	}
	m.Decided(metrics.Decision{Mode: "enforce", Kind: "Pod", Decision: "deny", Duration: 20 * time.Second})
	counts := map[string]uint64{}
	for _, family := range gather(t, registry) {
		for _, series := range family.GetMetric() {
			for _, b := range series.GetHistogram().GetBucket() {
				counts[fmt.Sprint(family.GetName(), valuesOf(series), " ", b.GetUpperBound())] = b.GetCumulativeCount()
			}
		}
	}
	for bucket, want := range map[string]uint64{
		"pullgate_admission_duration_seconds[deny] 0.0025": 0, "pullgate_admission_duration_seconds[deny] 0.005": 1,
		"pullgate_admission_duration_seconds[deny] 2": 2, "pullgate_admission_duration_seconds[deny] 4": 3,
		"pullgate_admission_duration_seconds[deny] 4.5": 4, "pullgate_admission_duration_seconds[deny] 10": 4,
		"pullgate_admission_budget_used_ratio[] 0.001": 1, "pullgate_admission_budget_used_ratio[] 0.5": 2,
		"pullgate_admission_budget_used_ratio[] 0.95": 3, "pullgate_admission_budget_used_ratio[] 1": 3,
		"pullgate_admission_budget_used_ratio[] 1.1": 4,
	} {
		if got, ok := counts[bucket]; !ok || got != want {
			t.Errorf("%s: got %d (%t), want %d", bucket, got, ok, want)
		}
	}
}

func TestEveryReasonIsCounted(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	want := map[string]float64{}
	var all []imagepull.Finding
	for _, reason := range imagepull.Reasons() {
		all = append(all, finding(reason))
		want[reason.Outcome().String()+" "+string(reason)] = 1
	}
	m.Decided(metrics.Decision{Mode: "warn", Kind: "Pod", Decision: "allow", Findings: all})
	wantSamples(t, registry, "pullgate_findings_total", want)
}

// A value that is in no vocabulary must not make a series of its own, wherever it comes from.
func TestUnknownValuesShareOneSeries(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	before, err := testutil.GatherAndCount(registry)
	if err != nil {
		t.Fatal(err)
	}
	const values = 100
	for i := range values {
		invented := fmt.Sprintf("invented-%d", i)
		m.Decided(metrics.Decision{
			Mode: invented, Kind: invented, Decision: invented, Findings: []imagepull.Finding{finding(imagepull.Reason(invented))},
		})
		m.Unchecked(invented)
	}
	after, err := testutil.GatherAndCount(registry)
	if err != nil {
		t.Fatal(err)
	}
	// One in each of decisions, durations, findings and unchecked.
	if after-before != 4 {
		t.Errorf("%d values make %d series, want 4", values, after-before)
	}
	wantSamples(t, registry, "pullgate_admission_decisions_total", map[string]float64{"other other other": values})
	wantSamples(t, registry, "pullgate_findings_total", map[string]float64{"Indeterminate other": values})
	wantSamples(t, registry, "pullgate_admission_unchecked_total", map[string]float64{"other": values})
}

// Prometheus sees no increase in a series that appears with the value 1.
func TestCountersOfAlertsStartAtZero(t *testing.T) {
	t.Parallel()
	registry := register(t)
	got := map[string]int{}
	for _, family := range gather(t, registry) {
		got[family.GetName()] = len(family.GetMetric())
	}
	for metric, want := range map[string]int{
		"pullgate_admission_unchecked_total": len(vocabulary().Causes), "pullgate_callers_refused_total": len(metrics.Refusals()),
		"pullgate_findings_total": len(imagepull.Reasons()), "pullgate_config_reloads_total": 2, "pullgate_cache_requests_total": 2,
	} {
		if got[metric] != want {
			t.Errorf("%s has %d series at the start, want %d", metric, got[metric], want)
		}
	}
}

func TestNewRejectsASecondRegistration(t *testing.T) {
	t.Parallel()
	_, registry := newMetrics(t)
	if m, err := metrics.New(registry, vocabulary()); err == nil || m != nil {
		t.Errorf("New() = %v, %v, want an error", m, err)
	}
}
