package resolve_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// stack puts all decorators over each other, as the command does.
func stack(t *testing.T, next resolve.Resolver, circuits *resolve.Circuits, c clock.Clock) resolve.Resolver {
	t.Helper()
	breaker := resolve.NewBreaker(next, circuits)
	retried := resolve.NewRetried(breaker, resolve.Retry{InitialDelay: time.Millisecond, Factor: 1, MaxAttempts: 2}, c)
	limited := resolve.NewLimited(resolve.NewBackedOff(retried, backoff(), c), resolve.NewSlots(16, 8))
	cached := newCached(t, limited, resolve.CacheOptions{Lifetimes: lifetimes(), Clock: c})
	return cached.InFrontOf(resolve.NewCoalesced(cached, questionTimeout))
}

// decorators are all that there are, each by itself and in one stack.
func decorators() map[string]func(*testing.T, resolve.Resolver) resolve.Resolver {
	return map[string]func(*testing.T, resolve.Resolver) resolve.Resolver{
		"Cached": func(t *testing.T, next resolve.Resolver) resolve.Resolver {
			return newCached(t, next, resolve.CacheOptions{Lifetimes: lifetimes(), Clock: clock.RealClock{}})
		},
		"Coalesced": func(_ *testing.T, next resolve.Resolver) resolve.Resolver {
			return resolve.NewCoalesced(next, questionTimeout)
		},
		"BackedOff": func(_ *testing.T, next resolve.Resolver) resolve.Resolver {
			return resolve.NewBackedOff(next, backoff(), clock.RealClock{})
		},
		"Limited": func(_ *testing.T, next resolve.Resolver) resolve.Resolver {
			return resolve.NewLimited(next, resolve.NewSlots(2, 1))
		},
		"Retried": func(_ *testing.T, next resolve.Resolver) resolve.Resolver {
			return resolve.NewRetried(next, resolve.Retry{MaxAttempts: 1}, clock.RealClock{})
		},
		"Breaker": func(_ *testing.T, next resolve.Resolver) resolve.Resolver {
			return resolve.NewBreaker(next, resolve.NewCircuits(backoff(), clock.RealClock{}))
		},
		"all": func(t *testing.T, next resolve.Resolver) resolve.Resolver {
			return stack(t, next, resolve.NewCircuits(backoff(), clock.RealClock{}), clock.RealClock{})
		},
	}
}

// TestConformance holds every decorator to what a Resolver promises.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, decorate := range decorators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("passes on the question and the answer", func(t *testing.T) { t.Parallel(); testPassesOn(t, decorate) })
			t.Run("names the credential that asks", func(t *testing.T) { t.Parallel(); testNamesCredential(t, decorate) })
			t.Run("ends with the context", func(t *testing.T) { t.Parallel(); testEndsWithContext(t, decorate) })
			t.Run("survives a panic", func(t *testing.T) { t.Parallel(); testSurvivesPanic(t, decorate) })
			t.Run("leaves shared verdicts alone", func(t *testing.T) { t.Parallel(); testLeavesVerdictsAlone(t, decorate) })
		})
	}
}

func testPassesOn(t *testing.T, decorate func(*testing.T, resolve.Resolver) resolve.Resolver) {
	want := imagepull.Verdict{
		Reason: imagepull.ReasonPullable, Digest: "sha256:1", Credential: alice.Source, Origin: imagepull.OriginRegistry,
		IsIndex: true, Platforms: []imagepull.Platform{{OS: "linux"}}, Digests: []string{"sha256:2"},
		Warnings: []imagepull.Warning{{Reason: imagepull.WarningNotAContainerImage}},
	}
	got := decorate(t, resolverFunc(func(_ context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
		if ref != tag("1") || cred != alice {
			t.Errorf("asked for %s with %s, want %s with %s", ref, cred, tag("1"), alice)
		}
		return want
	})).Resolve(t.Context(), tag("1"), alice)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

func testNamesCredential(t *testing.T, decorate func(*testing.T, resolve.Resolver) resolve.Resolver) {
	for _, says := range []imagepull.Verdict{pullable, notFound, denied, loginFailed, transient, limited} {
		r := decorate(t, &site{says: says})
		for _, cred := range []imagepull.Credential{alice, aliceAgain, alice, bob, nobody} {
			v := r.Resolve(t.Context(), tag("1"), cred)
			if v.Reason != says.Reason || v.Credential != cred.Source {
				t.Errorf("got %s for %q, want %s for %q", v.Reason, v.Credential, says.Reason, cred.Source)
			}
			if want := cred.Refused(); says.Reason == imagepull.ReasonAccessDenied && (v.Detail != want.Detail || v.Fix != want.Fix) {
				t.Errorf("got %q and %q for %s, want %q and %q", v.Detail, v.Fix, cred, want.Detail, want.Fix)
			}
		}
	}
}

// testEndsWithContext asks a registry that hangs until it is told to stop.
func testEndsWithContext(t *testing.T, decorate func(*testing.T, resolve.Resolver) resolve.Resolver) {
	stop := make(chan struct{})
	defer close(stop)
	ctx, cancel := context.WithCancel(t.Context())
	r := decorate(t, resolverFunc(func(ctx context.Context, _ imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
		cancel()
		select {
		case <-ctx.Done():
		case <-stop:
		}
		return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded, Credential: cred.Source}
	}))
	if v := r.Resolve(ctx, tag("1"), alice); v.Reason != imagepull.ReasonDeadlineExceeded || v.Credential != alice.Source {
		t.Errorf("got %s for %q, want DeadlineExceeded for %q", v.Reason, v.Credential, alice.Source)
	}
}

func testSurvivesPanic(t *testing.T, decorate func(*testing.T, resolve.Resolver) resolve.Resolver) {
	broken := true
	r := decorate(t, resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
		if broken {
			panic("broken")
		}
		return pullable
	}))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic, want that of the question")
			}
		}()
		r.Resolve(t.Context(), tag("1"), nobody)
	}()
	broken = false
	for range 3 {
		if v := r.Resolve(t.Context(), tag("1"), nobody); v.Reason != imagepull.ReasonPullable {
			t.Errorf("reason = %s after a panic, want Pullable", v.Reason)
		}
	}
}

// testLeavesVerdictsAlone is for the race detector, too.
func testLeavesVerdictsAlone(t *testing.T, decorate func(*testing.T, resolve.Resolver) resolve.Resolver) {
	shared := func() imagepull.Verdict {
		return imagepull.Verdict{
			Reason: imagepull.ReasonPullable, Platforms: []imagepull.Platform{{OS: "linux", OSFeatures: []string{"a"}}},
			Digests: []string{"sha256:1"}, Warnings: []imagepull.Warning{{Message: "a"}},
		}
	}
	says := shared()
	r := decorate(t, &site{says: says})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, cred := range []imagepull.Credential{alice, bob, aliceAgain} {
				r.Resolve(t.Context(), tag("1"), cred)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff(shared(), says); diff != "" {
		t.Errorf("the shared verdict (-before +after):\n%s", diff)
	}
}
