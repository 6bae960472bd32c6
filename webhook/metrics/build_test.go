package metrics_test

import (
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pullgate/pullgate/webhook/metrics"
)

func TestBuildIsExported(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	if err := metrics.RegisterBuild(registry, "v1.2.3", "abc"); err != nil {
		t.Fatal(err)
	}
	wantSamples(t, registry, "pullgate_build_info", map[string]float64{runtime.Version() + " abc v1.2.3": 1})
}
