package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

// nodes compares the latency of a warm pod in clusters of different sizes. The reviews come one after the other, so that the
// latency is the time of Pullgate itself. In each cluster it is divided by the latency of the decode webhook, which does not
// depend on nodes.
func (b *bench) nodes(ctx context.Context) (err error) {
	review, err := b.knownPod(ctx)
	if err != nil {
		return err
	}
	decode, err := b.startArm(ctx, armDecode, "decode")
	if err != nil {
		return err
	}
	defer decode.stop()
	joined := stage.Nodes
	defer func() { err = errors.Join(err, b.RemoveNodes(ctx, stage.Nodes, joined)) }()
	var small float64
	for _, n := range b.plan.nodes {
		if err := b.JoinNodes(ctx, joined, n); err != nil {
			return err
		}
		joined = n
		ratio, err := b.inCluster(ctx, decode, review, n)
		if err != nil {
			return err
		}
		if n == stage.Nodes {
			small = ratio.median
			continue
		}
		b.results.atMost(fmt.Sprintf("warm pod with %d nodes, against %d", n, stage.Nodes),
			spread{ratio.median / small, ratio.low / small, ratio.high / small}, 1.15)
	}
	return nil
}

// inCluster returns the median latency of Pullgate against decoding the pod. Pullgate starts in this cluster, and is not ready
// before its list of nodes is complete.
func (b *bench) inCluster(ctx context.Context, decode *server, review []byte, n int) (spread, error) {
	pullgate, err := b.startPullgate(ctx)
	if err != nil {
		return spread{}, err
	}
	defer pullgate.stop()
	if err := pullgate.expectClean(ctx, review); err != nil {
		return spread{}, err
	}
	p50 := samples{}
	for range b.plan.rounds {
		for _, s := range b.shuffled([]*server{decode, pullgate}) {
			s.TruncateLog()
			served, err := s.target.Each(ctx, 1, b.plan.counted, load.Always(review))
			if err != nil {
				return spread{}, err
			}
			var all load.Latencies
			for _, r := range served.Responses {
				all.All = append(all.All, r.Latency)
			}
			p50.add(s.name, micros(all.Percentile(50)))
		}
	}
	b.printf("%d nodes: %s, decode %s", n, p50.describe(armPullgate, "µs"), p50.describe(armDecode, "µs"))
	b.results.figure(fmt.Sprintf("warm latency with %d nodes", n), p50.median(armPullgate), "µs")
	return p50.ratio(armPullgate, armDecode), nil
}
