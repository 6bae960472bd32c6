package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

const (
	// headroom is the default of timeouts.headroom.
	headroom = time.Second
	// wayBack is what the answer may take from Pullgate to whoever asked, on a machine where everybody is asking.
	wayBack = 100 * time.Millisecond
)

// atOnce is how many registries are asked at the same time. All at once would measure the machine.
const atOnce = 12

// faults asks registries that misbehave, each for the first time.
func (b *bench) faults(ctx context.Context) error {
	s, err := b.startPullgate(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	var asking errgroup.Group
	asking.SetLimit(atOnce)
	var rows []*faultRow
	for _, m := range misdeeds() {
		for _, patience := range b.plan.patiences {
			row := &faultRow{fault: m.name, timeout: patience}
			rows = append(rows, row)
			review, r, err := b.misbehaving(ctx, m)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			target := s.target
			target.Timeout = patience
			asking.Go(func() error { return row.ask(ctx, target, r, review, b.plan.askedPerFaults) })
		}
	}
	if err := asking.Wait(); err != nil {
		return err
	}
	b.judge(rows)
	return nil
}

// misbehaving starts a registry that misbehaves, and returns the review of a pod that needs an image of it.
func (b *bench) misbehaving(ctx context.Context, m misdeed) ([]byte, *stage.Registry, error) {
	r, err := b.StartRegistry(0)
	if err != nil {
		return nil, nil, err
	}
	if err := r.Push("shop/web:1"); err != nil {
		return nil, nil, err
	}
	host, err := m.commit(b, r)
	if err != nil {
		return nil, nil, err
	}
	template, err := b.template(ctx, 1, host)
	return template.With(host + "/shop/web:1"), r, err
}

// faultRow is what became of asking one registry.
type faultRow struct {
	fault    string
	timeout  time.Duration
	requests int
	slowest  time.Duration
	late     int
	reasons  string
}

// ask asks with several pods at once, and then once more.
func (f *faultRow) ask(ctx context.Context, target load.Target, r *stage.Registry, review []byte, pods int) error {
	for _, n := range []int{pods - 1, 1} {
		served, err := target.Each(ctx, n, n, load.Always(review))
		if err != nil {
			return fmt.Errorf("%s: %w", f.fault, err)
		}
		for _, a := range served.Answers {
			f.slowest = max(f.slowest, a.Latency)
			if a.Latency > f.timeout-headroom+wayBack {
				f.late++
			}
			response, err := a.Response()
			if err != nil {
				return err
			}
			f.reasons = response.AuditAnnotations["reasons"]
		}
	}
	f.requests = r.Count().Total
	return nil
}

func (b *bench) judge(rows []*faultRow) {
	late, over := 0, time.Duration(0)
	for _, f := range rows {
		late += f.late
		over = max(over, f.slowest-f.timeout+headroom)
		b.say("%-36s timeout %v: %3d requests, slowest answer %4d ms, %d late, %s",
			f.fault, f.timeout, f.requests, f.slowest.Milliseconds(), f.late, f.reasons)
		b.results.faults = append(b.results.faults, *f)
	}
	b.results.add(bar{
		what:     fmt.Sprintf("answers later than timeout − headroom, under %d faults", len(rows)/len(b.plan.patiences)),
		measured: fmt.Sprintf("%d (at most %d ms after)", late, over.Milliseconds()), goal: "0", met: late == 0,
	})
}
