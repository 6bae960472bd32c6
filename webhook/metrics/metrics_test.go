package metrics_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/metrics"
)

func TestDecidedCountsDecisionsAndFindings(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	m.Decided("enforce", "Pod", "deny", 3*time.Millisecond, []imagepull.Finding{
		finding(imagepull.ReasonNotFound), finding(imagepull.ReasonNotFound), finding(imagepull.ReasonPullable),
	})
	m.Decided("enforce", "Pod", "deny", 20*time.Second, []imagepull.Finding{finding(imagepull.ReasonRateLimited)})
	m.Decided("warn", "Deployment", "allow", 0, nil)
	wantSeries(t, registry, `
# HELP pullgate_admission_decisions_total Admission decisions by mode of the namespace, kind of the object and decision (allow, warn, deny, exempt).
# TYPE pullgate_admission_decisions_total counter
pullgate_admission_decisions_total{decision="allow",kind="Deployment",mode="warn"} 1
pullgate_admission_decisions_total{decision="deny",kind="Pod",mode="enforce"} 2
# HELP pullgate_findings_total Findings, one for each checked use of an image, by outcome and reason.
# TYPE pullgate_findings_total counter
pullgate_findings_total{outcome="Indeterminate",reason="RateLimited"} 1
pullgate_findings_total{outcome="Pullable",reason="Pullable"} 1
pullgate_findings_total{outcome="Unpullable",reason="NotFound"} 2
`, "pullgate_admission_decisions_total", "pullgate_findings_total")
}

func TestUncheckedCountsCauses(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for _, cause := range []string{"bound", "mode", "bound"} {
		m.Unchecked(cause)
	}
	wantSeries(t, registry, `
# HELP pullgate_admission_unchecked_total Objects that were admitted because they could not be checked, by cause (mode, bound, load, object, panic).
# TYPE pullgate_admission_unchecked_total counter
pullgate_admission_unchecked_total{cause="bound"} 2
pullgate_admission_unchecked_total{cause="mode"} 1
`, "pullgate_admission_unchecked_total")
}

func TestDecidedObservesTheDuration(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	for _, d := range []time.Duration{400 * time.Microsecond, 3 * time.Millisecond, 8 * time.Second, 20 * time.Second} {
		m.Decided("enforce", "Pod", "deny", d, nil)
	}
	wantSeries(t, registry, `
# HELP pullgate_admission_duration_seconds Time to decide on an object with images to check.
# TYPE pullgate_admission_duration_seconds histogram
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.0005"} 1
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.001"} 1
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.0025"} 1
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.005"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.01"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.025"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.05"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.1"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.25"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="0.5"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="1"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="2.5"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="5"} 2
pullgate_admission_duration_seconds_bucket{decision="deny",le="10"} 3
pullgate_admission_duration_seconds_bucket{decision="deny",le="+Inf"} 4
pullgate_admission_duration_seconds_sum{decision="deny"} 28.0034
pullgate_admission_duration_seconds_count{decision="deny"} 4
`, "pullgate_admission_duration_seconds")
}

func TestEveryReasonIsCounted(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	var all []imagepull.Finding
	for _, reason := range imagepull.Reasons() {
		all = append(all, finding(reason))
	}
	m.Decided("audit", "Pod", "allow", 0, all)
	if got, err := testutil.GatherAndCount(registry, "pullgate_findings_total"); err != nil || got != len(all) {
		t.Errorf("got %d series and the error %v, want %d", got, err, len(all))
	}
}

// TestLabelsHoldNoValueOfAnAuthor lists the labels of every metric.
func TestLabelsHoldNoValueOfAnAuthor(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	m.Decided("enforce", "Pod", "deny", time.Millisecond, []imagepull.Finding{finding(imagepull.ReasonNotFound)})
	get(t, m, returning(200))
	m.CacheLookup(true)
	m.Unchecked("bound")
	families, err := registry.Gather()
	if err != nil {
		t.Fatalf("Gather() error = %v, want none", err)
	}
	got := map[string][]string{}
	for _, family := range families {
		labels := []string{}
		for _, pair := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, pair.GetName())
		}
		slices.Sort(labels)
		got[family.GetName()] = labels
	}
	want := map[string][]string{
		"pullgate_admission_decisions_total":         {"decision", "kind", "mode"},
		"pullgate_admission_duration_seconds":        {"decision"},
		"pullgate_admission_unchecked_total":         {"cause"},
		"pullgate_findings_total":                    {"outcome", "reason"},
		"pullgate_cache_requests_total":              {"result"},
		"pullgate_registry_requests_total":           {"code"},
		"pullgate_registry_request_duration_seconds": {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestMetricsPassTheLint(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t)
	m.Decided("enforce", "Pod", "deny", time.Millisecond, []imagepull.Finding{finding(imagepull.ReasonNotFound)})
	get(t, m, returning(200))
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatalf("GatherAndLint() error = %v, want none", err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestNewRejectsASecondRegistration(t *testing.T) {
	t.Parallel()
	_, registry := newMetrics(t)
	if m, err := metrics.New(registry); err == nil || m != nil {
		t.Errorf("New() = %v, %v, want an error", m, err)
	}
}
