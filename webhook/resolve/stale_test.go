package resolve

import (
	"cmp"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// staleFixture is a Resolver for one image, whose verdict has been cached after a slow check.
type staleFixture struct {
	*Resolver
	registry *slowRegistry
	limiter  *Limiter
	start    time.Time
}

func newStaleFixture(t *testing.T, ref imagepull.Reference, change func(*Options)) *staleFixture {
	t.Helper()
	o := allPolicies(clock.RealClock{})
	change(&o)
	registry := &slowRegistry{fakeRegistry: fakeRegistry{verdict: pullable}, takes: 2 * time.Second}
	f := &staleFixture{newResolver(t, registry, o), registry, o.Limiter, time.Now()}
	f.Resolve(WithNamespace(t.Context(), "shop"), ref, alice)
	t.Cleanup(f.Stop)
	return f
}

// Stop waits until no check is under way.
func (f *staleFixture) Stop() {
	time.Sleep(checkTimeout)
	synctest.Wait()
}

// set changes the registry.
func (f *staleFixture) set(v imagepull.Verdict, takes time.Duration) {
	f.registry.mu.Lock()
	defer f.registry.mu.Unlock()
	f.registry.verdict, f.registry.takes = v, takes
}

func TestVerdictsPastTheirTTL(t *testing.T) {
	t.Parallel()
	const slow, fast = 2 * time.Second, 10 * time.Millisecond
	type check struct {
		after     time.Duration
		namespace string
		want      string
		wantWait  time.Duration
	}
	tests := map[string]struct {
		ref     imagepull.Reference
		options func(*Options)
		verdict imagepull.Verdict
		takes   time.Duration
		budget  time.Duration // 8 s when zero
		checks  []check
		// requests is the number of requests after the one of the fixture.
		requests int
	}{
		"a slow registry gets its request in the background": {
			verdict: pullable, takes: slow,
			checks: []check{
				{after: 62 * time.Second, want: "Pullable cache 1m4s"},
				{after: time.Second, want: "Pullable cache 1m5s"},
				{after: 2 * time.Second, want: "Pullable cache 3s"},
			},
			requests: 1,
		},
		"so it is by digest": {
			ref: digest("1"), verdict: pullable, takes: slow,
			checks: []check{{after: 11 * time.Minute, want: "Pullable cache 11m2s"}}, requests: 1,
		},
		"a registry that is fast again gets its request in the foreground": {
			verdict: pullable, takes: fast,
			checks: []check{
				{after: 62 * time.Second, want: "Pullable cache 1m4s"},
				{after: 62 * time.Second, want: "Pullable registry", wantWait: fast},
			},
			requests: 2,
		},
		"a registry that is down": {
			verdict: transient, takes: fast,
			checks: []check{
				{after: 62 * time.Second, want: "Pullable cache 1m4s"},
				{after: 9*time.Minute + 50*time.Second, want: "Pullable cache 10m54s"},
				{after: 10 * time.Second, want: "RegistryUnavailable backoff 10s"},
			},
			requests: 4, // two attempts each
		},
		"the image is gone": {
			verdict: notFound, takes: slow,
			checks: []check{
				{after: 62 * time.Second, want: "Pullable cache 1m4s"},
				{after: 2500 * time.Millisecond, want: "NotFound registry", wantWait: slow},
			},
			requests: 2,
		},
		"ten minutes after the TTL": {
			verdict: pullable, takes: slow,
			checks: []check{{after: 11*time.Minute - 2*time.Second, want: "Pullable registry", wantWait: slow}}, requests: 1,
		},
		"the registry is slow for another namespace only": {
			verdict: pullable, takes: fast,
			checks: []check{{after: 62 * time.Second, namespace: "depot", want: "Pullable registry", wantWait: fast}}, requests: 1,
		},
		"a registry that is slow for the first time": {
			verdict: pullable, takes: slow,
			checks: []check{
				{after: 62 * time.Second, namespace: "depot", want: "Pullable cache 1m4s", wantWait: slowAttempt},
				{after: 2 * time.Second, namespace: "depot", want: "Pullable cache 3s"},
			},
			requests: 1,
		},
		"and the image is gone": {
			verdict: notFound, takes: slow,
			checks: []check{
				{after: 62 * time.Second, namespace: "depot", want: "Pullable cache 1m4s", wantWait: slowAttempt},
				{after: 1500 * time.Millisecond, namespace: "depot", want: "NotFound registry", wantWait: slow},
			},
			requests: 2,
		},
		"a registry that is not slow": {
			verdict: pullable, takes: slowAttempt - time.Millisecond,
			checks: []check{{after: 62 * time.Second, namespace: "depot", want: "Pullable registry", wantWait: slowAttempt - time.Millisecond}}, requests: 1,
		},
		"a registry that goes down": {
			verdict: transient, takes: fast,
			checks: []check{{after: 62 * time.Second, namespace: "depot", want: "Pullable cache 1m4s", wantWait: 2*fast + time.Millisecond}}, requests: 2,
		},
		"a host to which the registry redirects is down": { // the registry itself may be up
			verdict: redirected, takes: fast,
			checks: []check{
				{after: 62 * time.Second, namespace: "depot", want: "RegistryUnavailable registry", wantWait: 2*fast + time.Millisecond},
			},
			requests: 2,
		},
		"a caller without time": {
			verdict: pullable, takes: fast, budget: -time.Second,
			checks: []check{{after: 62 * time.Second, namespace: "depot", want: "DeadlineExceeded none"}},
		},
		"a failure that is not an outage": {
			verdict: imagepull.Verdict{Reason: imagepull.ReasonNotARegistry}, takes: fast,
			checks: []check{{after: 62 * time.Second, namespace: "depot", want: "NotARegistry registry", wantWait: fast}}, requests: 1,
		},
		"without a TTL": {
			options: func(o *Options) { o.TTLs.Tag = 0 }, verdict: pullable, takes: slow,
			checks: []check{{after: time.Second, want: "Pullable registry", wantWait: slow}}, requests: 1,
		},
		"the route has changed": {
			options: func(o *Options) {
				began := time.Now()
				o.RoutedSince = func(string) time.Time {
					if time.Since(began) > time.Minute {
						return began.Add(time.Minute)
					}
					return time.Time{}
				}
			},
			verdict: pullable, takes: slow,
			checks: []check{{after: 62 * time.Second, want: "Pullable registry", wantWait: slow}}, requests: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if test.ref.Domain == "" {
					test.ref = tag("1")
				}
				if test.options == nil {
					test.options = func(*Options) {}
				}
				f := newStaleFixture(t, test.ref, test.options)
				f.set(test.verdict, test.takes)
				for i, c := range test.checks {
					time.Sleep(c.after)
					if c.namespace == "" {
						c.namespace = "shop"
					}
					ctx, cancel := context.WithTimeout(WithNamespace(t.Context(), c.namespace), cmp.Or(test.budget, 8*time.Second))
					start := time.Now()
					v := f.Resolve(ctx, test.ref, alice)
					got, wait := string(v.Reason)+" "+v.Provenance(), time.Since(start)
					cancel()
					if got != c.want || wait != c.wantWait {
						t.Errorf("check %d: got %s after %v, want %s after %v", i, got, wait, c.want, c.wantWait)
					}
				}
				f.Stop()
				if got := f.registry.requests - 1; got != test.requests {
					t.Errorf("%d requests, want %d", got, test.requests)
				}
			})
		})
	}
}

// A caller with a known image waits for a registry by what the registry took before.
func TestPatienceWithARegistryThatBecomesSlow(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ usual, takes, want time.Duration }{
		"a near registry":                     {10 * time.Millisecond, 2 * time.Second, 150 * time.Millisecond},
		"a near registry, a little slower":    {10 * time.Millisecond, 140 * time.Millisecond, 140 * time.Millisecond},
		"a distant registry":                  {100 * time.Millisecond, 2 * time.Second, 400 * time.Millisecond},
		"a distant registry, a little slower": {100 * time.Millisecond, 390 * time.Millisecond, 390 * time.Millisecond},
		"a registry that was almost slow":     {500 * time.Millisecond, 2 * time.Second, slowAttempt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newStaleFixture(t, tag("1"), func(*Options) {})
				ctx := WithNamespace(t.Context(), "shop")
				f.set(pullable, test.usual)
				f.Resolve(ctx, tag("2"), alice)
				time.Sleep(62 * time.Second)
				f.set(pullable, test.takes)
				start := time.Now()
				v := f.Resolve(ctx, tag("2"), alice)
				if got := time.Since(start); got != test.want || v.Reason != imagepull.ReasonPullable {
					t.Errorf("got %s after %v, want Pullable after %v", v.Reason, got, test.want)
				}
				next := time.Now()
				f.Resolve(ctx, tag("2"), alice)
				if got := time.Since(next); got != 0 {
					t.Errorf("the next caller waited for %v", got)
				}
				if isStale := v.Origin == imagepull.OriginCache; isStale != (test.takes > test.want) {
					t.Errorf("the verdict is from the %s", v.Provenance())
				}
			})
		})
	}
}

func TestAnUnpullableVerdictEndsWithItsTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &slowRegistry{fakeRegistry: fakeRegistry{verdict: notFound}, takes: 2 * time.Second}
		r := newResolver(t, registry, allPolicies(clock.RealClock{}))
		for i := range 2 {
			if v := r.Resolve(t.Context(), tag("1"), alice); v.Origin != imagepull.OriginRegistry {
				t.Errorf("check %d: the verdict is from %s, want the registry", i, v.Provenance())
			}
		}
	})
}

func TestConcurrentCallersShareARefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStaleFixture(t, tag("1"), func(*Options) {})
		time.Sleep(62 * time.Second)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { f.Resolve(WithNamespace(t.Context(), "shop"), tag("1"), alice) })
		}
		all.Wait()
		f.Stop()
		if f.registry.requests != 2 {
			t.Errorf("%d requests, want 2", f.registry.requests)
		}
	})
}

func TestARefreshTakesNoSlotThatAnotherCheckMayNeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStaleFixture(t, tag("1"), func(o *Options) { o.Limiter = NewLimiter(4, 4) })
		time.Sleep(62 * time.Second)
		for _, namespace := range []string{"a", "b"} {
			release, ok := f.limiter.acquire(WithNamespace(t.Context(), namespace), "other.example")
			if !ok {
				t.Fatal("acquire() reported false, want a slot")
			}
			defer release()
		}
		v := f.Resolve(WithNamespace(t.Context(), "shop"), tag("1"), alice)
		if synctest.Wait(); v.Origin != imagepull.OriginCache || f.registry.requests != 1 || f.limiter.InFlight() != 2 {
			t.Errorf("got a verdict from %s after %d requests, with %d checks in flight; want the cache, 1 and 2",
				v.Provenance(), f.registry.requests, f.limiter.InFlight())
		}
	})
}

// An index may deny a pod by its platforms.
func TestAVerdictPastItsTTLConfirmsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newStaleFixture(t, tag("1"), func(*Options) {})
		time.Sleep(75 * time.Second)
		ctx := WithNamespace(t.Context(), "shop")
		if v := f.Confirm(ctx, tag("1"), alice); !v.Confirmed || f.registry.requests != 3 {
			t.Errorf("confirmed = %t after %d requests, want true after 3", v.Confirmed, f.registry.requests)
		}
	})
}
