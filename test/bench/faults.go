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
	// wayBack is the time that a response may take from Pullgate to the client, on a machine with many concurrent
	// clients.
	wayBack = 100 * time.Millisecond
)

// concurrent is the number of registries that are tested concurrently. More would measure the machine.
const concurrent = 12

// faults sends pods for faulty registries, each registry for the first time.
func (b *bench) faults(ctx context.Context) error {
	s, err := b.startPullgate(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	var group errgroup.Group
	group.SetLimit(concurrent)
	var rows []*faultRow
	for _, m := range faultCases() {
		for _, timeout := range b.plan.timeouts {
			row := &faultRow{fault: m.name, timeout: timeout}
			rows = append(rows, row)
			review, r, err := b.faulty(ctx, m)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			target := s.target
			target.Timeout = timeout
			group.Go(func() error { return row.send(ctx, target, r, review, b.plan.podsPerFault) })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	b.reportFaults(rows)
	return nil
}

// faulty starts a faulty registry, and returns the review of a pod with one of its images.
func (b *bench) faulty(ctx context.Context, m faultCase) ([]byte, *stage.Registry, error) {
	r, err := b.StartRegistry(0)
	if err != nil {
		return nil, nil, err
	}
	if err := r.Push("shop/web:1"); err != nil {
		return nil, nil, err
	}
	host, err := m.start(b, r)
	if err != nil {
		return nil, nil, err
	}
	template, err := b.template(ctx, 1, host)
	return template.With(host + "/shop/web:1"), r, err
}

// faultRow is the result for one registry.
type faultRow struct {
	fault    string
	timeout  time.Duration
	requests int
	slowest  time.Duration
	late     int
	reasons  string
}

// send sends several pods concurrently, and then one more.
func (f *faultRow) send(ctx context.Context, target load.Target, r *stage.Registry, review []byte, pods int) error {
	for _, n := range []int{pods - 1, 1} {
		served, err := target.Each(ctx, n, n, load.Always(review))
		if err != nil {
			return fmt.Errorf("%s: %w", f.fault, err)
		}
		for _, a := range served.Responses {
			f.slowest = max(f.slowest, a.Latency)
			if a.Latency > f.timeout-headroom+wayBack {
				f.late++
			}
			response, err := a.Parse()
			if err != nil {
				return err
			}
			f.reasons = response.AuditAnnotations["reasons"]
		}
	}
	f.requests = r.Count().Total
	return nil
}

func (b *bench) reportFaults(rows []*faultRow) {
	late, over := 0, time.Duration(0)
	for _, f := range rows {
		late += f.late
		over = max(over, f.slowest-f.timeout+headroom)
		b.printf("%-38s timeout %v: %3d requests, slowest response %4d ms, %d late, %s",
			f.fault, f.timeout, f.requests, f.slowest.Milliseconds(), f.late, f.reasons)
		b.results.faults = append(b.results.faults, *f)
	}
	b.results.add(bar{
		name:     fmt.Sprintf("responses later than timeout − headroom, under %d faults", len(rows)/len(b.plan.timeouts)),
		measured: fmt.Sprintf("%d (at most %d ms after)", late, over.Milliseconds()), goal: "0", met: late == 0,
	})
}
