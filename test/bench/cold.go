package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

// distances are those of the registry, with a rate of pods that leaves it at ease: what takes long needs few samples.
func distances() []struct {
	rtt  time.Duration
	rate int
} {
	return []struct {
		rtt  time.Duration
		rate int
	}{{0, 50}, {20 * time.Millisecond, 20}, {100 * time.Millisecond, 5}}
}

// cold compares Pullgate, when it has never been asked for an image or its repository, with the webhook of an afternoon, and with
// itself when it has. All know the registry: how it wants to be shown credentials, and a connection or two.
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
	p50 := map[string][]float64{}
	for _, d := range distances() {
		values, err := b.coldAt(ctx, r, d.rtt, d.rate, pullgate, head)
		if err != nil {
			return err
		}
		for _, name := range values.names {
			p50[name] = append(p50[name], values.median(name))
			b.say("p50 at %3d ms %-13s %s", d.rtt.Milliseconds(), name, values.describe(name, "ms"))
		}
		if d.rtt == nearby {
			b.results.atMost("cold pod against remote.Head, registry at 20 ms", values.ratio(armCold, armHead), 0.75)
		}
	}
	b.results.cold = p50
	return nil
}

// coldTurn is an arm of the comparison: whom it asks, for images that are new or not.
type coldTurn struct {
	name  string
	of    *server
	fresh bool
}

func (b *bench) coldAt(
	ctx context.Context, r *stage.Registry, rtt time.Duration, rate int, pullgate, head *server,
) (p50 samples, err error) {
	host, err := b.Distant(r, rtt)
	if err != nil {
		return p50, err
	}
	template, err := b.template(ctx, containers, host)
	if err != nil {
		return p50, err
	}
	known, err := freshPods(r, host, template, 1)
	if err != nil {
		return p50, err
	}
	if err := errors.Join(pullgate.expectClean(ctx, known[0]), head.expectClean(ctx, known[0])); err != nil {
		return p50, err
	}
	for round := range b.plan.rounds {
		turns := []coldTurn{{armPullgate, pullgate, false}, {armCold, pullgate, true}, {armHead, head, true}}
		b.random.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
		for _, t := range turns {
			pods := known
			if t.fresh {
				if pods, err = freshPods(r, host, template, int(float64(rate)*b.plan.coldFor.Seconds())+1); err != nil {
					return p50, err
				}
			}
			if err := t.of.warmUp(ctx, rate, known[0]); err != nil {
				return p50, err
			}
			l, err := b.rate(ctx, t.of, turn{"cold", t.name, rtt, round}, rate, b.plan.coldFor, func(i int) []byte { return pods[i%len(pods)] })
			if err != nil {
				return p50, err
			}
			p50.add(t.name, millis(l.Percentile(50)))
		}
		r.ResetRequests()
	}
	return p50, nil
}

// freshPods are reviews of pods whose images nobody has asked for before.
func freshPods(r *stage.Registry, host string, template load.Template, n int) ([][]byte, error) {
	names, err := r.Fresh(n * containers)
	if err != nil {
		return nil, err
	}
	images := at(host, names)
	var pods [][]byte
	for i := range n {
		pods = append(pods, template.With(images[i*containers:(i+1)*containers]...))
	}
	return pods, nil
}

// turn is that of one arm in one round.
type turn struct {
	scenario, arm string
	rtt           time.Duration
	round         int
}

// rate asks at a rate, and notes the latencies. All pods of the benchmark are good ones.
func (b *bench) rate(
	ctx context.Context, s *server, t turn, perSecond int, d time.Duration, reviews load.Reviews,
) (load.Latencies, error) {
	l, err := s.client.Rate(ctx, perSecond, d, reviews)
	if err != nil {
		return l, fmt.Errorf("%s: %w", t.arm, err)
	}
	if l.Refused > 0 {
		return l, fmt.Errorf("%s refuses %d of %d pods", t.arm, l.Refused, len(l.All))
	}
	b.results.latencies = append(b.results.latencies, latencyRow{t, l})
	return l, nil
}
