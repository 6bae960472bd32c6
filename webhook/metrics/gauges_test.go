package metrics_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pullgate/pullgate/webhook/metrics"
)

func TestNodesAreCountedByTheirImages(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	count := func() metrics.NodeImages { return metrics.NodeImages{All: 5, Truncated: 3, None: 1} }
	if err := metrics.WatchNodes(registry, count); err != nil {
		t.Fatal(err)
	}
	wantSamples(t, registry, "pullgate_nodes", map[string]float64{"all": 5, "truncated": 3, "none": 1})
}

func TestMemoryOfReviewsIsExported(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	memory := func(used, limit int64) metrics.Memory {
		return metrics.Memory{Used: func() int64 { return used }, Limit: limit}
	}
	if err := metrics.WatchReviews(registry, memory(1, 10), memory(2, 20)); err != nil {
		t.Fatal(err)
	}
	wantSamples(t, registry, "pullgate_inflight_review_bytes", map[string]float64{"body": 1, "decoding": 2})
	wantSamples(t, registry, "pullgate_inflight_review_limit_bytes", map[string]float64{"body": 10, "decoding": 20})
}
