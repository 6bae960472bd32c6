package main

import (
	"context"
	"fmt"
	"time"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

// distance is the round-trip time to a registry, and a rate of pods that does not overload it.
type distance struct {
	rtt  time.Duration
	rate int
}

func distances() []distance {
	return []distance{{0, 50}, {20 * time.Millisecond, 20}, {100 * time.Millisecond, 5}}
}

// cold compares Pullgate without cached verdicts with the remote.Head webhook, and with Pullgate with cached
// verdicts. All have contacted the registry before: they know its challenge and have connections.
func (b *bench) cold(ctx context.Context) error {
	pullgate, err := b.startPullgate(ctx)
	if err != nil {
		return err
	}
	defer pullgate.stop()
	head, err := b.startArm(ctx, armHead, "head")
	if err != nil {
		return err
	}
	defer head.stop()
	r, err := b.StartRegistry(0)
	if err != nil {
		return err
	}
	arms := []coldTurn{{armPullgate, pullgate, false}, {armCold, pullgate, true}, {armHead, head, true}}
	p50 := map[string][]float64{}
	for _, d := range distances() {
		values, err := b.coldAt(ctx, r, d, arms)
		if err != nil {
			return err
		}
		for _, name := range values.names {
			p50[name] = append(p50[name], values.median(name))
			b.printf("p50 at %3d ms %-13s %s", d.rtt.Milliseconds(), name, values.describe(name, "ms"))
		}
		if d.rtt == nearby {
			// Both send the three requests of a node: a challenge of another repository is not answered, since it could lead a
			// credential elsewhere and change the verdict.
			b.results.atMost("cold pod against remote.Head, registry at 20 ms", values.ratio(armCold, armHead), 1.10)
		}
	}
	b.results.cold = p50
	return nil
}

// coldTurn is an arm of the comparison: the server, and whether its images are new.
type coldTurn struct {
	name  string
	of    *server
	fresh bool
}

// coldPods creates pods for a registry at a distance.
type coldPods struct {
	registry *stage.Registry
	host     string
	template load.Template
	// known is a pod that all arms have checked before.
	known []byte
}

func (b *bench) coldAt(ctx context.Context, r *stage.Registry, d distance, arms []coldTurn) (p50 samples, err error) {
	pods, err := b.coldPods(ctx, r, d.rtt)
	if err != nil {
		return p50, err
	}
	for _, t := range arms {
		if err := t.of.expectClean(ctx, pods.known); err != nil {
			return p50, err
		}
	}
	for round := range b.plan.rounds {
		b.random.Shuffle(len(arms), func(i, j int) { arms[i], arms[j] = arms[j], arms[i] })
		for _, t := range arms {
			median, err := b.coldTurn(ctx, pods, d, t, round)
			if err != nil {
				return p50, err
			}
			p50.add(t.name, millis(median))
		}
		r.ResetRequests()
	}
	return p50, nil
}

// coldTurn measures one arm for a while.
func (b *bench) coldTurn(ctx context.Context, p coldPods, d distance, t coldTurn, round int) (time.Duration, error) {
	reviews := [][]byte{p.known}
	if t.fresh {
		var err error
		if reviews, err = p.fresh(int(float64(d.rate)*b.plan.coldFor.Seconds()) + 1); err != nil {
			return 0, err
		}
	}
	if err := t.of.warmUp(ctx, d.rate, p.known); err != nil {
		return 0, err
	}
	l, err := b.rate(ctx, t.of, turn{"cold", t.name, d.rtt, round}, d.rate, b.plan.coldFor,
		func(i int) []byte { return reviews[i%len(reviews)] })
	return l.Percentile(50), err
}

func (b *bench) coldPods(ctx context.Context, r *stage.Registry, rtt time.Duration) (p coldPods, err error) {
	p.registry = r
	if p.host, err = b.Distant(r, rtt); err != nil {
		return p, err
	}
	if p.template, err = b.template(ctx, containers, p.host); err != nil {
		return p, err
	}
	known, err := p.fresh(1)
	if err != nil {
		return p, err
	}
	p.known = known[0]
	return p, nil
}

// fresh returns reviews of pods whose images no arm has checked before.
func (p coldPods) fresh(n int) ([][]byte, error) {
	names, err := p.registry.Fresh(n * containers)
	if err != nil {
		return nil, err
	}
	images := at(p.host, names)
	var pods [][]byte
	for i := range n {
		pods = append(pods, p.template.With(images[i*containers:(i+1)*containers]...))
	}
	return pods, nil
}

// turn is one measurement of an arm in a round.
type turn struct {
	scenario, arm string
	rtt           time.Duration
	round         int
}

// rate sends reviews at a rate and records the latencies. All pods of the benchmark must be admitted.
func (b *bench) rate(
	ctx context.Context, s *server, t turn, perSecond int, d time.Duration, reviews load.Reviews,
) (load.Latencies, error) {
	l, err := s.client.Rate(ctx, perSecond, d, reviews)
	if err != nil {
		return l, fmt.Errorf("%s: %w", t.arm, err)
	}
	if l.Denied > 0 {
		return l, fmt.Errorf("%s denies %d of %d pods", t.arm, l.Denied, len(l.All))
	}
	b.results.latencies = append(b.results.latencies, latencyRow{t, l})
	return l, nil
}
