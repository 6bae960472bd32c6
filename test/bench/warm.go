package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pullgate/pullgate/test/bench/load"
)

// The names of the arms in tables and charts.
const (
	armNoop     = "no-op"
	armDecode   = "decode"
	armAgain    = "decode (A/A)"
	armPullgate = "pullgate"
	armCold     = "pullgate cold"
	armHead     = "remote.Head"
)

const (
	// nearby is the round-trip time to the registry of the cached verdicts. An unexpected request to it would show in
	// the latency.
	nearby = 20 * time.Millisecond
	// containers is the number of containers in a pod.
	containers = 3
)

// warm compares Pullgate with cached verdicts with webhooks that send no requests. One of them runs twice: the
// difference between the two is the noise of the measurement.
func (b *bench) warm(ctx context.Context) error {
	review, err := b.knownPod(ctx)
	if err != nil {
		return err
	}
	arms, err := b.warmArms(ctx)
	defer func() {
		for _, s := range arms {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	for _, s := range arms {
		if err := s.expectClean(ctx, review); err != nil {
			return err
		}
	}
	return errors.Join(b.warmLatency(ctx, arms, review), b.capacity(ctx, arms, review), b.allocations(ctx, arms, review))
}

// knownPod returns the review of a pod whose images are the same in every request.
func (b *bench) knownPod(ctx context.Context) ([]byte, error) {
	r, err := b.StartRegistry(nearby)
	if err != nil {
		return nil, err
	}
	names, err := r.Fresh(containers)
	if err != nil {
		return nil, err
	}
	template, err := b.template(ctx, containers, r.Host)
	return template.With(at(r.Host, names)...), err
}

func (b *bench) warmArms(ctx context.Context) ([]*server, error) {
	var arms []*server
	for _, a := range []struct{ name, kind string }{{armNoop, "noop"}, {armDecode, "decode"}, {armAgain, "decode"}} {
		s, err := b.startArm(ctx, a.name, a.kind)
		if err != nil {
			return arms, err
		}
		arms = append(arms, s)
	}
	s, err := b.startPullgate(ctx)
	if err != nil {
		return arms, err
	}
	return append(arms, s), nil
}

// warmLatency sends reviews at a rate that does not overload the servers.
func (b *bench) warmLatency(ctx context.Context, arms []*server, review []byte) error {
	p50, p99 := samples{}, samples{}
	for round := range b.plan.warmRounds {
		for _, s := range b.shuffled(arms) {
			if err := s.warmUp(ctx, b.plan.warmRate, review); err != nil {
				return err
			}
			l, err := b.rate(ctx, s, turn{"warm", s.name, nearby, round}, b.plan.warmRate, b.plan.warmFor, load.Always(review))
			if err != nil {
				return err
			}
			p50.add(s.name, micros(l.Percentile(50)))
			p99.add(s.name, micros(l.Percentile(99)))
		}
	}
	b.compareWarm("p50", p50, 1.15)
	b.compareWarm("p99", p99, 1.25)
	return nil
}

func (b *bench) compareWarm(percentile string, s samples, limit float64) {
	for _, name := range s.names {
		b.printf("%s %-13s %s", percentile, name, s.describe(name, "µs"))
	}
	b.printf("%s A/A noise     %s", percentile, s.ratio(armAgain, armDecode))
	b.results.figure("warm "+percentile+" A/A noise", s.ratio(armAgain, armDecode).median, "×")
	b.results.atMost("warm "+percentile+" against decoding the pod", s.ratio(armPullgate, armDecode), limit)
}

// capacity sends reviews as fast as the servers respond, on enough connections to keep them busy.
func (b *bench) capacity(ctx context.Context, arms []*server, review []byte) error {
	rates, costs := samples{}, samples{}
	for round := range b.plan.rounds {
		for _, s := range b.shuffled(arms) {
			before, err := s.CPU()
			if err != nil {
				return err
			}
			s.TruncateLog()
			served, err := s.target.For(ctx, b.plan.conns, b.plan.capacityFor, load.Always(review))
			if err != nil {
				return err
			}
			after, err := s.CPU()
			if err != nil {
				return err
			}
			used := after - before
			rates.add(s.name, served.PerSecond())
			costs.add(s.name, micros(used)/float64(served.Requests))
			b.results.capacity = append(b.results.capacity, capacityRow{
				s.name, round, served.Requests, served.PerSecond(), micros(used) / float64(served.Requests),
				used.Seconds() / served.Elapsed.Seconds(),
			})
		}
	}
	for _, name := range rates.names {
		b.printf("capacity %-13s %s; CPU %s", name, rates.describe(name, "/s"), costs.describe(name, "µs"))
	}
	b.printf("capacity A/A noise     %s", rates.ratio(armAgain, armDecode))
	b.results.figure("warm capacity A/A noise", rates.ratio(armAgain, armDecode).median, "×")
	b.results.figure("CPU for a warm review against decoding the pod", costs.ratio(armPullgate, armDecode).median, "×")
	b.results.atLeast("warm capacity against decoding the pod", rates.ratio(armPullgate, armDecode), 0.85)
	return nil
}

// allocations counts the allocations of a process per review, from the first byte read to the last one written.
func (b *bench) allocations(ctx context.Context, arms []*server, review []byte) error {
	reviews := b.plan.counted
	counts := samples{}
	for range b.plan.rounds {
		for _, s := range b.shuffled(arms) {
			before, err := s.Metric(ctx, "go_memstats_mallocs_total")
			if err != nil {
				return err
			}
			if _, err := s.target.Each(ctx, 1, reviews, load.Always(review)); err != nil {
				return err
			}
			after, err := s.Metric(ctx, "go_memstats_mallocs_total")
			if err != nil {
				return err
			}
			counts.add(s.name, (after-before)/float64(reviews))
		}
	}
	for _, name := range counts.names {
		b.printf("allocations %-13s %s", name, counts.describe(name, ""))
		b.results.figure("allocations, "+name, counts.median(name), "")
	}
	b.results.atMost(fmt.Sprintf("allocations for a warm pod of %d containers", containers),
		counts.ratio(armPullgate, armDecode), 1.3)
	return nil
}
