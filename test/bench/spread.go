package main

import (
	"context"
	"fmt"
	"time"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

// farAway is a usual round-trip time to a registry.
const farAway = 100 * time.Millisecond

// spread sends a pod whose images are on different registries, and pods with one image from each of them.
func (b *bench) spread(ctx context.Context) error {
	s, err := b.startPullgate(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	var (
		registries []*stage.Registry
		hosts      []string
	)
	for range b.plan.registries {
		r, err := b.StartRegistry(farAway)
		if err != nil {
			return err
		}
		registries, hosts = append(registries, r), append(hosts, r.Host)
	}
	single, err := b.template(ctx, 1, hosts...)
	if err != nil {
		return err
	}
	together, err := b.template(ctx, len(hosts), hosts...)
	if err != nil {
		return err
	}
	times := samples{}
	// The first round warms up the connections to the registries.
	for round := range min(b.plan.rounds, 5) + 1 {
		slowest, all, err := spreadRound(ctx, s, registries, single, together)
		if err != nil {
			return err
		}
		if round > 0 {
			times.add("slowest of one", millis(slowest))
			times.add("all in one pod", millis(all))
		}
	}
	for _, name := range times.names {
		b.printf("%s: %s", name, times.describe(name, "ms"))
	}
	b.results.atMost(fmt.Sprintf("%d images on %[1]d registries at 100 ms, against the slowest of them", len(hosts)),
		times.ratio("all in one pod", "slowest of one"), 1.2)
	return nil
}

// spreadRound sends pods with new images.
func spreadRound(
	ctx context.Context, s *server, registries []*stage.Registry, single, together load.Template,
) (slowest, all time.Duration, err error) {
	var images []string
	for _, r := range registries {
		names, err := r.Fresh(2)
		if err != nil {
			return 0, 0, err
		}
		took, err := s.review(ctx, single.With(r.Host+"/"+names[0]))
		if err != nil {
			return 0, 0, err
		}
		slowest = max(slowest, took)
		images = append(images, r.Host+"/"+names[1])
	}
	all, err = s.review(ctx, together.With(images...))
	return slowest, all, err
}

// review sends one review and returns the latency.
func (s *server) review(ctx context.Context, body []byte) (time.Duration, error) {
	served, err := s.target.Each(ctx, 1, 1, load.Always(body))
	if err != nil {
		return 0, err
	}
	if served.Denied > 0 {
		return 0, fmt.Errorf("%s denies a pod: %s", s.name, served.Responses[0].Body)
	}
	return served.Responses[0].Latency, nil
}
