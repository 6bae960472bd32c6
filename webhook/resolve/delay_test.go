package resolve

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// delayedPolicy is a policy that blocks requests for ten seconds after the failures of three references.
type delayedPolicy struct {
	failure imagepull.Verdict
	options func(clock.Clock) Options
}

func delayedPolicies() map[string]delayedPolicy {
	return map[string]delayedPolicy{
		"backoff": {withRetryAfter(rateLimited, 10*time.Second), backoffOnly},
		"breaker": {withRetryAfter(transient, 10*time.Second), breakerOnly},
	}
}

// fail makes three references fail.
func fail(t *testing.T, r *Resolver) {
	t.Helper()
	for i := range 3 {
		r.Resolve(t.Context(), tag(fmt.Sprint("failing", i)), anonymous)
	}
}

func TestOneAttemptIsAllowedWhileHalfOpen(t *testing.T) {
	t.Parallel()
	for name, p := range delayedPolicies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				registry, clock := &blockingRegistry{fakeRegistry: fakeRegistry{verdict: p.failure}}, newFakeClock()
				r := newResolver(t, registry, p.options(clock))
				fail(t, r)
				clock.Step(10 * time.Second)
				registry.verdict, registry.release = pullable, make(chan struct{})
				attempt := make(chan string)
				go func() { attempt <- r.Resolve(t.Context(), tag("2"), anonymous).Provenance() }()
				synctest.Wait()
				v := r.Resolve(t.Context(), tag("3"), anonymous)
				if v.Provenance() != "backoff 10s" || v.Detail != " (no new request yet)" {
					t.Errorf("got %s %q during the attempt, want backoff", v.Provenance(), v.Detail)
				}
				close(registry.release)
				if got := <-attempt; got != "registry" {
					t.Errorf("the verdict of the attempt is from %s, want the registry", got)
				}
				if got := r.Resolve(t.Context(), tag("3"), anonymous).Provenance(); got != "registry" {
					t.Errorf("the verdict after the attempt is from %s, want the registry", got)
				}
			})
		})
	}
}

// The registry may respond again while an attempt waits for its timeout.
func TestADelayCountsFromTheStartOfTheAttempt(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	r := newResolver(t, registryFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
		clock.Step(4 * time.Second)
		return withOrigin(transient, imagepull.OriginRegistry)
	}), backoffOnly(clock))
	for i, want := range []imagepull.Origin{imagepull.OriginRegistry, imagepull.OriginBackoff, imagepull.OriginRegistry} {
		if got := r.Resolve(t.Context(), tag("1"), anonymous).Origin; got != want {
			t.Errorf("check %d: the verdict is from %s, want %s", i, got, want)
		}
		clock.Step(3 * time.Second)
	}
}

func TestAnAttemptWithoutAResponseAllowsTheNextOne(t *testing.T) {
	t.Parallel()
	attempts := map[string]func() imagepull.Verdict{
		"panic":      func() imagepull.Verdict { panic("broken") },
		"no request": func() imagepull.Verdict { return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded} },
	}
	for name, p := range delayedPolicies() {
		for kind, attempt := range attempts {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				registry, clock := &fakeRegistry{verdict: p.failure}, newFakeClock()
				next := registry.Resolve
				r := newResolver(t, registryFunc(
					func(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
						return next(ctx, ref, cred)
					}), p.options(clock))
				fail(t, r)
				clock.Step(10 * time.Second)
				next = func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict { return attempt() }
				func() {
					defer func() { _ = recover() }()
					r.Resolve(t.Context(), tag("1"), anonymous)
				}()
				next, registry.verdict = registry.Resolve, pullable
				if got := r.Resolve(t.Context(), tag("1"), anonymous); got.Reason != imagepull.ReasonPullable {
					t.Errorf("reason = %s, want Pullable", got.Reason)
				}
			})
		}
	}
}

// TestConcurrentFailuresCountOnce lets several attempts be under way when a registry goes down.
func TestConcurrentFailuresCountOnce(t *testing.T) {
	t.Parallel()
	for name, p := range delayedPolicies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				registry := &blockingRegistry{
					fakeRegistry: fakeRegistry{verdict: withRetryAfter(p.failure, 0)}, release: make(chan struct{}),
				}
				clock := newFakeClock()
				r := newResolver(t, registry, p.options(clock))
				var all sync.WaitGroup
				for i := range 50 {
					all.Go(func() { r.Resolve(t.Context(), tag(fmt.Sprint(i)), anonymous) })
				}
				synctest.Wait()
				clock.Step(time.Second) // the failures come some time after the starts
				close(registry.release)
				all.Wait()
				clock.Step(10 * time.Second)
				registry.verdict = pullable
				if got := r.Resolve(t.Context(), tag("new"), anonymous).Provenance(); got != "registry" {
					t.Errorf("the verdict is from %s ten seconds later, want the registry", got)
				}
			})
		})
	}
}
