package resolve_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// prober is what leaves alone something that fails, here for ten seconds and whatever the reference, then tries again.
type prober struct {
	fails    imagepull.Verdict
	decorate func(resolve.Resolver, clock.PassiveClock) resolve.Resolver
}

func probers() map[string]prober {
	return map[string]prober{
		"BackedOff": {after(limited, 10*time.Second), func(next resolve.Resolver, c clock.PassiveClock) resolve.Resolver {
			return resolve.NewBackedOff(next, backoff(), c)
		}},
		"Breaker": {after(transient, 10*time.Second), func(next resolve.Resolver, c clock.PassiveClock) resolve.Resolver {
			return resolve.NewBreaker(next, resolve.NewCircuits(backoff(), c))
		}},
	}
}

// TestProbe: after a rest one question tries again, and the others get what is known until it has an answer.
func TestProbe(t *testing.T) {
	t.Parallel()
	for name, p := range probers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, clock := &held{site: site{says: p.fails}}, clocktesting.NewFakeClock(time.Unix(1e9, 0))
				r := p.decorate(s, clock)
				r.Resolve(t.Context(), tag("1"), nobody)
				clock.Step(10 * time.Second)
				s.says, s.release = pullable, make(chan struct{})
				probe := make(chan string)
				go func() { probe <- r.Resolve(t.Context(), tag("2"), nobody).Provenance() }()
				synctest.Wait()
				if v := r.Resolve(t.Context(), tag("3"), nobody); v.Provenance() != "backoff 10s" || v.Detail != " (asked 10s ago)" {
					t.Errorf("got %s %q during the probe, want backoff", v.Provenance(), v.Detail)
				}
				close(s.release)
				if got := <-probe; got != "registry" {
					t.Errorf("the probe got its verdict from %s, want the registry", got)
				}
				if got := r.Resolve(t.Context(), tag("3"), nobody).Provenance(); got != "registry" {
					t.Errorf("got a verdict from %s after the probe, want the registry", got)
				}
			})
		})
	}
}

// TestProbeWithoutAnswer lets the next one try: whether it panics, or is kept from asking.
func TestProbeWithoutAnswer(t *testing.T) {
	t.Parallel()
	probes := map[string]func() imagepull.Verdict{
		"panic":     func() imagepull.Verdict { panic("broken") },
		"not asked": func() imagepull.Verdict { return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded} },
	}
	for name, p := range probers() {
		for how, probe := range probes {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				s, clock := &site{says: p.fails}, clocktesting.NewFakeClock(time.Unix(1e9, 0))
				next := s.Resolve
				r := p.decorate(resolverFunc(
					func(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
						return next(ctx, ref, cred)
					}), clock)
				r.Resolve(t.Context(), tag("1"), nobody)
				clock.Step(10 * time.Second)
				next = func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict { return probe() }
				func() {
					defer func() { _ = recover() }()
					r.Resolve(t.Context(), tag("1"), nobody)
				}()
				next, s.says = s.Resolve, pullable
				if got := r.Resolve(t.Context(), tag("1"), nobody); got.Reason != imagepull.ReasonPullable {
					t.Errorf("reason = %s, want Pullable", got.Reason)
				}
			})
		}
	}
}

// TestBurstCountsOnce: what was under way when a registry went down fails for the same cause.
func TestBurstCountsOnce(t *testing.T) {
	t.Parallel()
	for name, p := range probers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &held{site: site{says: after(p.fails, 0)}, release: make(chan struct{})}
				clock := clocktesting.NewFakeClock(time.Unix(1e9, 0))
				r := p.decorate(s, clock)
				var all sync.WaitGroup
				for i := range 50 {
					all.Go(func() { r.Resolve(t.Context(), tag(fmt.Sprint(i)), nobody) })
				}
				synctest.Wait()
				// When it is released they have been under way for a while.
				clock.Step(time.Second)
				close(s.release)
				all.Wait()
				clock.Step(10 * time.Second)
				s.says = pullable
				if got := r.Resolve(t.Context(), tag("new"), nobody).Provenance(); got != "registry" {
					t.Errorf("the verdict is from %s ten seconds later, want the registry", got)
				}
			})
		})
	}
}
