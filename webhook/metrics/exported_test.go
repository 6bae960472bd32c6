package metrics_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
)

// The file has a line for each metric: name and labels, type, help. Dashboards and alerts of users depend on the first two. With
// UPDATE_GOLDEN=1 the test rewrites it.
func TestExportedMetrics(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for _, family := range gather(t, register(t)) {
		fmt.Fprintf(&lines, "%s{%s} %s: %s\n", family.GetName(), strings.Join(labelsOf(family), ","),
			strings.ToLower(family.GetType().String()), family.GetHelp())
	}
	golden := filepath.Join("testdata", "metrics.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(lines.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), lines.String()); diff != "" {
		t.Errorf("metrics (-%s +exported):\n%s", golden, diff)
	}
}

func labelsOf(family *dto.MetricFamily) []string {
	var names []string
	for _, pair := range family.GetMetric()[0].GetLabel() {
		names = append(names, pair.GetName())
	}
	slices.Sort(names)
	return names
}

func TestMetricsPassTheLint(t *testing.T) {
	t.Parallel()
	problems, err := testutil.GatherAndLint(register(t))
	if err != nil {
		t.Fatalf("GatherAndLint() error = %v, want none", err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
