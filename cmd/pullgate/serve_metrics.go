package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/policy"
)

// newMetrics registers the metrics of the process and its decisions.
func newMetrics() (*metrics.Metrics, error) {
	m, err := metrics.New(ctrlmetrics.Registry, vocabulary())
	if err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	if err := metrics.RegisterBuild(ctrlmetrics.Registry, versionString(), revision()); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return m, nil
}

// vocabulary returns the values of labels that the webhook passes to the metrics.
func vocabulary() metrics.Vocabulary {
	v := metrics.Vocabulary{Kinds: podspec.Kinds()}
	for _, mode := range policy.Modes() {
		v.Modes = append(v.Modes, string(mode))
	}
	for _, cause := range webhook.Causes() {
		v.Causes = append(v.Causes, string(cause))
	}
	return v
}

// watchReviews registers the metrics of the memory that reviews share.
func watchReviews(s *webhook.Server) error {
	memory := func(m *webhook.Memory) metrics.Memory { return metrics.Memory{Used: m.Used, Limit: m.Limit} }
	if err := metrics.WatchReviews(ctrlmetrics.Registry, memory(s.Bodies), memory(s.Decoding)); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return nil
}

// watchEngine registers the metrics of the current engine and of its nodes.
func watchEngine(current func() *engine.Engine) error {
	if err := metrics.Watch(ctrlmetrics.Registry, func() metrics.Gauges { return current().Gauges() }); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	reported := func() metrics.NodeImages { return metrics.NodeImages(current().ReportedNodes()) }
	if err := metrics.WatchNodes(ctrlmetrics.Registry, reported); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return nil
}

// nodesInterval is the time between two looks at whether the nodes are known.
const nodesInterval = 100 * time.Millisecond

// logNodes waits until the nodes are known, and logs once how many of them report all of their images.
func logNodes(ctx context.Context, ready func() error, reported func() nodes.Reported, logger *slog.Logger) {
	isReady := func(context.Context) (bool, error) { return ready() == nil, nil }
	if wait.PollUntilContextCancel(ctx, nodesInterval, true, isReady) != nil {
		return
	}
	r := reported()
	counts := []any{"all", r.All, "truncated", r.Truncated, "none", r.None}
	switch {
	case r.All+r.Truncated+r.None == 0:
		logger.WarnContext(ctx, "no node is known, so that images on nodes count as unreported")
	case r.Truncated > 0:
		logger.WarnContext(ctx, "nodes report a part of their images, so that a missing image is not denied for pods that may run there: "+
			"set nodeStatusMaxImages of the kubelets and nodes.maxReportedImages to -1", counts...)
	default:
		logger.InfoContext(ctx, "nodes report their images", counts...)
	}
}
