package main

import (
	"context"
	"fmt"
	"time"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/registry"
)

const (
	// slowResponse is the time of each response of a slow registry.
	slowResponse = 2 * time.Second
	// slowTTL is short, so that cached verdicts expire many times in the measurement.
	slowTTL = time.Second
	// slowRate leaves the server idle for most of the time.
	slowRate = 50
)

// slow sends pods with known images of a registry that has become slow. Their cached verdicts expire. Pods must not wait for
// the registry then.
func (b *bench) slow(ctx context.Context) error {
	config, err := b.File("slow.yaml", configuration+fmt.Sprintf("cache:\n  tagTTL: %v\n", slowTTL))
	if err != nil {
		return err
	}
	s, err := b.startPullgateWith(ctx, config)
	if err != nil {
		return err
	}
	defer s.stop()
	r, err := b.StartRegistry(nearby)
	if err != nil {
		return err
	}
	names, err := r.Fresh(containers)
	if err != nil {
		return err
	}
	template, err := b.template(ctx, containers, r.Host)
	if err != nil {
		return err
	}
	review := template.With(at(r.Host, names)...)
	if err := s.expectClean(ctx, review); err != nil {
		return err
	}
	// The verdicts expire while the registry is as usual, so that its usual response time is known.
	if _, err := s.client.Rate(ctx, slowRate, 2*slowTTL, load.Always(review)); err != nil {
		return err
	}
	r.Fault(registry.Fault{Delay: slowResponse})
	r.ResetRequests()
	l, err := b.rate(ctx, s, turn{scenario: "slow", arm: armPullgate}, slowRate, b.plan.slowFor, load.Always(review))
	if err != nil {
		return err
	}
	slowest, got := l.Percentile(100), r.Count()
	b.printf("%d pods in %.0f s: %s; responses p50 %.2f ms, slowest %.0f ms", len(l.All), b.plan.slowFor.Seconds(), got,
		millis(l.Percentile(50)), millis(slowest))
	const limit = 200 * time.Millisecond
	b.results.add(bar{
		name:     fmt.Sprintf("slowest pod with known images of a registry that takes %v for a response", slowResponse),
		measured: fmt.Sprintf("%d ms", slowest.Milliseconds()), goal: fmt.Sprintf("≤ %d ms", limit.Milliseconds()),
		met: slowest <= limit && got.Total > 0,
	})
	return nil
}
