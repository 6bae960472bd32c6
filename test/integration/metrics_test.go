package integration

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// samples are metrics in the text format of Prometheus.
type samples string

// sum returns the sum of a metric's series with all the labels, each in the form name="value".
func (s samples) sum(metric string, labels ...string) float64 {
	total := 0.0
	for line := range strings.Lines(string(s)) {
		// Fast path: the API server has tens of thousands of series.
		if !strings.HasPrefix(line, metric) {
			continue
		}
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, set, _ := strings.Cut(series, "{")
		if name != metric || !containsAll(set, labels) {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err == nil {
			total += number
		}
	}
	return total
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func (e *environment) apiServerMetrics(t *testing.T) samples {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(e.config.Host, "/")+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := e.http.Do(req)
	if err != nil {
		t.Fatalf("reading the API server's metrics: %v", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("reading the API server's metrics: %d, %v", resp.StatusCode, err)
	}
	return samples(data)
}

// metrics returns the metrics of the process.
func (p *pullgate) metrics(t *testing.T) samples {
	t.Helper()
	status, body, err := get(t.Context(), "http://"+p.launch.metrics+"/metrics")
	if err != nil || status != http.StatusOK {
		t.Fatalf("reading pullgate's metrics: %d, %v", status, err)
	}
	return samples(body)
}

// testMetrics checks that each decision is counted, and that text of pods does not become a label.
func testMetrics(t *testing.T, e *environment) {
	for name, test := range map[string]struct {
		mode, image string
		metric      string
		labels      []string
	}{
		"denied": {
			mode: "enforce", image: imageGone,
			metric: "pullgate_admission_decisions_total", labels: []string{`decision="deny"`, `kind="Pod"`, `mode="enforce"`},
		},
		"warned": {
			mode: "warn", image: imageGone,
			metric: "pullgate_admission_decisions_total", labels: []string{`decision="warn"`, `kind="Pod"`, `mode="warn"`},
		},
		"admitted": {
			mode: "audit", image: imagePublic,
			metric: "pullgate_admission_decisions_total", labels: []string{`decision="allow"`, `kind="Pod"`, `mode="audit"`},
		},
		"duration": {
			mode: "enforce", image: imageGone,
			metric: "pullgate_admission_duration_seconds_count", labels: []string{`decision="deny"`},
		},
		"finding": {
			mode: "enforce", image: imageGone,
			metric: "pullgate_findings_total", labels: []string{`outcome="Unpullable"`, `reason="NotFound"`},
		},
		"request": {
			mode: "enforce", image: "REGISTRY/public/web:never",
			metric: "pullgate_registry_requests_total", labels: []string{`code="404"`},
		},
		"cache": {
			mode: "enforce", image: imagePublic,
			metric: "pullgate_cache_requests_total",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := e.namespace(t, test.mode)
			before := e.pullgate.metrics(t).sum(test.metric, test.labels...)
			e.caller(t).create(newPod(namespace, e.registry.expand(test.image)))
			eventually(t, "the count", func(context.Context) bool {
				return e.pullgate.metrics(t).sum(test.metric, test.labels...) > before
			})
			for _, chosen := range []string{namespace, "localhost", "public/web"} {
				if strings.Contains(string(e.pullgate.metrics(t)), chosen) {
					t.Errorf("the metrics contain %q", chosen)
				}
			}
		})
	}
	t.Run("unchecked", func(t *testing.T) {
		t.Parallel()
		count := func() float64 {
			return e.pullgate.metrics(t).sum("pullgate_admission_unchecked_total", `cause="object"`)
		}
		before := count()
		e.sharedEndpoint(t).review(t, podRequest(t, "", e.registry.expand(imageGone)))
		if after := count(); after <= before {
			t.Errorf("%g objects were admitted unchecked, want more than %g", after, before)
		}
	})
	t.Run("healthz", func(t *testing.T) {
		t.Parallel()
		if status, body, err := get(t.Context(), "http://"+e.launch.health+"/healthz"); status != http.StatusOK {
			t.Errorf("got %d %q, %v; want 200", status, body, err)
		}
	})
}
