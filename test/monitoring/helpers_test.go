package monitoring

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The files that the tests compare.
var (
	folder        = filepath.Join("..", "..", "manifests", "monitoring")
	ruleManifest  = filepath.Join(folder, "20-prometheusrule.yaml")
	dashboardFile = filepath.Join(folder, "dashboard.json")
	exportedFile  = filepath.Join("..", "..", "webhook", "metrics", "testdata", "metrics.golden")
)

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func alerts(t *testing.T) []alert {
	t.Helper()
	r, err := readRule(ruleManifest)
	if err != nil {
		t.Fatal(err)
	}
	return r.alerts()
}

func shippedDashboard(t *testing.T) dashboard {
	t.Helper()
	d, err := readDashboard(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// exported returns the labels of each metric that a query may read. The golden file of package metrics has Pullgate's own. The others
// are metrics of the API server and of the client library (apiserver: pkg/admission/metrics/metrics.go; client_golang:
// prometheus/process_collector.go).
func exported(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{
		"apiserver_admission_webhook_fail_open_count":                 {"name", "type"},
		"apiserver_admission_webhook_admission_duration_seconds":      {"name", "type", "operation", "rejected", "le"},
		"apiserver_admission_match_condition_evaluation_errors_total": {"name", "kind", "type", "operation"},
		"process_resident_memory_bytes":                               {},
		"process_cpu_seconds_total":                                   {},
	}
	for line := range strings.Lines(read(t, exportedFile)) {
		name, rest, _ := strings.Cut(line, "{")
		labels, rest, _ := strings.Cut(rest, "} ")
		all[name] = strings.FieldsFunc(labels, func(r rune) bool { return r == ',' })
		if strings.HasPrefix(rest, "histogram") {
			all[name] = append(all[name], "le")
		}
	}
	return all
}

// targetLabels are the labels that Prometheus adds to the series of a replica.
func targetLabels() []string { return []string{"namespace", "pod", "job", "instance"} }

// checkQuery compares the metrics in a query, and the labels that it and its texts use, with the exported ones.
func checkQuery(t *testing.T, query string, textLabels ...string) {
	t.Helper()
	all, known := exported(t), targetLabels()
	found := references(query)
	if len(found) == 0 {
		t.Errorf("%s: no metric", query)
	}
	for _, r := range found {
		name := strings.TrimSuffix(r.metric, "_bucket")
		labels, ok := all[name]
		if !ok {
			t.Errorf("%s: %s is not exported", query, name)
		}
		if isHistogram := slices.Contains(labels, "le"); isHistogram != (name != r.metric) {
			t.Errorf("%s: %s is a histogram: %t", query, r.metric, isHistogram)
		}
		for _, label := range r.labels {
			if !slices.Contains(labels, label) {
				t.Errorf("%s: %s has no label %s", query, name, label)
			}
		}
		known = append(known, labels...)
	}
	for _, label := range append(groupings(query), textLabels...) {
		if !slices.Contains(known, label) {
			t.Errorf("%s: no metric has the label %s", query, label)
		}
	}
}
