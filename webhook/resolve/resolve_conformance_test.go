package resolve

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TestConformance checks the promises of a Resolver, with each policy alone and with all of them.
func TestConformance(t *testing.T) {
	t.Parallel()
	policies := map[string]func(clock.Clock) Options{
		"single flight": neutral,
		"cache":         cacheOnly,
		"limiter": func(c clock.Clock) Options {
			o := neutral(c)
			o.Limiter = NewLimiter(2, 1)
			return o
		},
		"backoff": backoffOnly,
		"retry": func(c clock.Clock) Options {
			o := neutral(c)
			o.Retry = Retry{InitialDelay: time.Millisecond, Factor: 1, MaxAttempts: 2}
			return o
		},
		"breaker": breakerOnly,
		"all":     allPolicies,
	}
	for name, options := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			build := func(t *testing.T, registry Registry) *Resolver {
				t.Helper()
				return newResolver(t, registry, options(clock.RealClock{}))
			}
			t.Run("passes on request and verdict", func(t *testing.T) { t.Parallel(); testPassesOn(t, build) })
			t.Run("names the caller's credential", func(t *testing.T) { t.Parallel(); testNamesCredential(t, build) })
			t.Run("ends with the context", func(t *testing.T) { t.Parallel(); testEndsWithContext(t, build) })
			t.Run("survives a panic", func(t *testing.T) { t.Parallel(); testSurvivesPanic(t, build) })
			t.Run("does not modify shared verdicts", func(t *testing.T) { t.Parallel(); testSharedVerdicts(t, build) })
		})
	}
}

type buildFunc func(*testing.T, Registry) *Resolver

func testPassesOn(t *testing.T, build buildFunc) {
	want := imagepull.Verdict{
		Reason: imagepull.ReasonPullable, Digest: "sha256:1", Credential: alice.Source, Origin: imagepull.OriginRegistry,
		IsIndex: true, Platforms: []imagepull.Platform{{OS: "linux"}}, Manifests: []imagepull.Descriptor{{Digest: "sha256:2"}},
		Warnings: []imagepull.Warning{{Reason: imagepull.WarningNotAContainerImage}},
	}
	got := build(t, registryFunc(func(_ context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
		if ref != tag("1") || cred != alice {
			t.Errorf("request for %s with %s, want %s with %s", ref, cred, tag("1"), alice)
		}
		return want
	})).Resolve(t.Context(), tag("1"), alice)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

func testNamesCredential(t *testing.T, build buildFunc) {
	for _, verdict := range []imagepull.Verdict{pullable, notFound, denied, loginFailed, transient, rateLimited} {
		r := build(t, &fakeRegistry{verdict: verdict})
		for _, cred := range []imagepull.Credential{alice, aliceElsewhere, alice, bob, anonymous} {
			v := r.Resolve(t.Context(), tag("1"), cred)
			if v.Reason != verdict.Reason || v.Credential != cred.Source {
				t.Errorf("got %s for %q, want %s for %q", v.Reason, v.Credential, verdict.Reason, cred.Source)
			}
			if want := cred.Refused(); verdict.Reason == imagepull.ReasonAccessDenied && (v.Detail != want.Detail || v.Fix != want.Fix) {
				t.Errorf("got %q and %q for %s, want %q and %q", v.Detail, v.Fix, cred, want.Detail, want.Fix)
			}
		}
	}
}

// testEndsWithContext uses a registry that hangs until its context or the test ends.
func testEndsWithContext(t *testing.T, build buildFunc) {
	stop := make(chan struct{})
	defer close(stop)
	ctx, cancel := context.WithCancel(t.Context())
	r := build(t, registryFunc(func(ctx context.Context, _ imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
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

func testSurvivesPanic(t *testing.T, build buildFunc) {
	broken := true
	r := build(t, registryFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
		if broken {
			panic("broken")
		}
		return pullable
	}))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Resolve() did not panic as the registry did")
			}
		}()
		r.Resolve(t.Context(), tag("1"), anonymous)
	}()
	broken = false
	for range 3 {
		if v := r.Resolve(t.Context(), tag("1"), anonymous); v.Reason != imagepull.ReasonPullable {
			t.Errorf("reason = %s after a panic, want Pullable", v.Reason)
		}
	}
}

// testSharedVerdicts is for the race detector, too.
func testSharedVerdicts(t *testing.T, build buildFunc) {
	shared := func() imagepull.Verdict {
		return imagepull.Verdict{
			Reason: imagepull.ReasonPullable, Platforms: []imagepull.Platform{{OS: "linux", OSFeatures: []string{"a"}}},
			Manifests: []imagepull.Descriptor{{Digest: "sha256:1"}}, Warnings: []imagepull.Warning{{Message: "a"}},
		}
	}
	verdict := shared()
	r := build(t, &fakeRegistry{verdict: verdict})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, cred := range []imagepull.Credential{alice, bob, aliceElsewhere} {
				r.Resolve(t.Context(), tag("1"), cred)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff(shared(), verdict); diff != "" {
		t.Errorf("the shared verdict (-before +after):\n%s", diff)
	}
}
