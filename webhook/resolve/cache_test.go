package resolve_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

var (
	denied      = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied}
	loginFailed = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, LoginFailed: true}
	unsupported = imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage}
)

func lifetimes() resolve.Lifetimes {
	return resolve.Lifetimes{Tag: time.Minute, Digest: 10 * time.Minute, NotFound: 10 * time.Second, Denied: 30 * time.Second}
}

func newCached(t *testing.T, next resolve.Resolver, o resolve.CacheOptions) *resolve.Cached {
	t.Helper()
	if o.MaxEntries == 0 {
		o.MaxEntries = 100
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 20
	}
	c, err := resolve.NewCached(next, o)
	if err != nil {
		t.Fatalf("NewCached() error = %v, want none", err)
	}
	return c
}

func TestCached(t *testing.T) {
	t.Parallel()
	changed := imagepull.Credential{Username: "alice", Password: "new", Source: alice.Source}
	tests := map[string][]step{
		"a tag holds for its lifetime and no longer": {
			{ref: tag("1"), says: pullable, want: "Pullable registry"},
			{after: 59 * time.Second, ref: tag("1"), says: notFound, want: "Pullable cache 59s"},
			{after: time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
		},
		"a digest has a lifetime of its own": {
			{ref: digested("1"), says: pullable, want: "Pullable registry"},
			{after: 599 * time.Second, ref: digested("1"), says: notFound, want: "Pullable cache 9m59s"},
			{after: time.Second, ref: digested("1"), says: notFound, want: "NotFound registry"},
		},
		"another tag is another question": {
			{ref: tag("1"), says: pullable, want: "Pullable registry"},
			{ref: tag("2"), says: notFound, want: "NotFound registry"},
		},
		"a credential never answers for another": {
			{ref: tag("1"), cred: alice, says: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: bob, says: denied, want: "AccessDenied registry"},
			{ref: tag("1"), cred: nobody, says: notFound, want: "NotFound registry"},
			{ref: tag("1"), cred: alice, says: notFound, want: "Pullable cache 0s"},
		},
		"a changed password counts at once": {
			{ref: tag("1"), cred: alice, says: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: changed, says: denied, want: "AccessDenied registry"},
		},
		"where the bounds of user and password are counts": {
			{ref: tag("1"), cred: imagepull.Credential{Username: "ab", Password: "c"}, says: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: imagepull.Credential{Username: "a", Password: "bc"}, says: denied, want: "AccessDenied registry"},
		},
		"a password without a user is nobody's": {
			{ref: tag("1"), cred: nobody, says: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: imagepull.Credential{Password: "x", Source: "file/a"}, says: denied, want: "Pullable cache 0s"},
		},
		"the same account from another place is the same": {
			{ref: tag("1"), cred: alice, says: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: aliceAgain, says: denied, want: "Pullable cache 0s"},
		},
		"doubt is never remembered": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("1"), says: limited, want: "RateLimited registry"},
			{ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"a first failure is asked about afresh a second later": {
			{ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: 999 * time.Millisecond, ref: tag("1"), says: pullable, want: "NotFound cache 1s"},
			{after: time.Millisecond, ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"a row of failures is asked about less and less, up to the lifetime": {
			{ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), says: notFound, want: "NotFound cache 1s"},
			{after: time.Second, ref: tag("1"), says: unsupported, want: "UnsupportedImage registry"},
			{after: 4 * time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: 8 * time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: 9 * time.Second, ref: tag("1"), says: notFound, want: "NotFound cache 9s"},
			{after: time.Second, ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"a row ends with a success": {
			{ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: 2 * time.Second, ref: tag("1"), says: pullable, want: "Pullable registry"},
			{after: time.Minute, ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
		},
		"a row ends with a pause": {
			{ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: 12 * time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
		},
		"doubt does not end a row": {
			{ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("1"), says: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), says: notFound, want: "NotFound cache 1s"},
		},
		"refused access may be given a moment later": {
			{ref: tag("1"), cred: alice, says: denied, want: "AccessDenied registry"},
			{after: time.Second, ref: tag("1"), cred: alice, says: denied, want: "AccessDenied registry"},
			{after: time.Second, ref: tag("1"), cred: alice, says: pullable, want: "AccessDenied cache 1s"},
			{after: time.Second, ref: tag("1"), cred: alice, says: pullable, want: "Pullable registry"},
		},
		"a failed login is not tried again soon": {
			{ref: tag("1"), cred: alice, says: loginFailed, want: "AccessDenied registry"},
			{after: 29 * time.Second, ref: tag("1"), cred: alice, says: pullable, want: "AccessDenied cache 29s"},
			{after: time.Second, ref: tag("1"), cred: alice, says: pullable, want: "Pullable registry"},
		},
		"a clock that goes back makes nothing last longer": {
			{ref: tag("1"), says: pullable, want: "Pullable registry"},
			{after: -time.Hour, ref: tag("1"), says: notFound, want: "NotFound registry"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, steps, func(next resolve.Resolver, clock *clocktesting.FakeClock) resolve.Resolver {
				return newCached(t, next, resolve.CacheOptions{Lifetimes: lifetimes(), Clock: clock})
			})
		})
	}
}

func TestCachedWithoutLifetimesRemembersNothing(t *testing.T) {
	t.Parallel()
	play(t, []step{
		{ref: tag("1"), says: pullable, want: "Pullable registry"},
		{ref: tag("1"), says: notFound, want: "NotFound registry"},
		{ref: tag("1"), says: loginFailed, want: "AccessDenied registry"},
		{ref: tag("1"), says: pullable, want: "Pullable registry"},
	}, func(next resolve.Resolver, clock *clocktesting.FakeClock) resolve.Resolver {
		return newCached(t, next, resolve.CacheOptions{Clock: clock})
	})
}

// TestCachedForgetsAnotherRoute: what another host said, or the same one to another header, is no answer any more.
func TestCachedForgetsAnotherRoute(t *testing.T) {
	t.Parallel()
	play(t, []step{
		{ref: tag("1"), says: pullable, want: "Pullable registry"},
		{after: 10 * time.Second, ref: tag("1"), says: notFound, want: "Pullable cache 10s"},
		{after: 10 * time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
		{ref: tag("1"), says: pullable, want: "NotFound cache 0s"},
	}, func(next resolve.Resolver, clock *clocktesting.FakeClock) resolve.Resolver {
		changes := clock.Now().Add(15 * time.Second)
		return newCached(t, next, resolve.CacheOptions{
			Lifetimes: lifetimes(), Clock: clock, RoutedSince: func(domain string) time.Time {
				if domain != tag("1").Domain || clock.Now().Before(changes) {
					return time.Time{}
				}
				return changes
			},
		})
	})
}

// TestCachedCountsFromTheQuestion: an answer that took long was true at its beginning, as far as anybody knows.
func TestCachedCountsFromTheQuestion(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Unix(1e9, 0))
	slow := resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
		clock.Step(5 * time.Second)
		return pullable
	})
	c := newCached(t, slow, resolve.CacheOptions{Lifetimes: lifetimes(), Clock: clock})
	c.Resolve(t.Context(), tag("1"), nobody)
	if v := c.Resolve(t.Context(), tag("1"), nobody); v.Age != 5*time.Second {
		t.Errorf("age = %v, want 5s", v.Age)
	}
}

// TestCachedKeepsNothingOfABackoff: its age would begin anew.
func TestCachedKeepsNothingOfABackoff(t *testing.T) {
	t.Parallel()
	s := &script{verdicts: []imagepull.Verdict{{Reason: imagepull.ReasonNotFound, Origin: imagepull.OriginBackoff}, pullable}}
	c := newCached(t, s, resolve.CacheOptions{Lifetimes: lifetimes(), Clock: clocktesting.NewFakeClock(time.Unix(1e9, 0))})
	c.Resolve(t.Context(), tag("1"), nobody)
	if v := c.Resolve(t.Context(), tag("1"), nobody); v.Reason != imagepull.ReasonPullable {
		t.Errorf("reason = %s, want Pullable", v.Reason)
	}
}

func TestInFrontOf(t *testing.T) {
	t.Parallel()
	var hits []bool
	s := &site{says: pullable}
	c := newCached(t, s, resolve.CacheOptions{
		Lifetimes: lifetimes(), Clock: clocktesting.NewFakeClock(time.Unix(1e9, 0)),
		Observe: func(hit bool) { hits = append(hits, hit) },
	})
	passed := 0
	r := c.InFrontOf(resolverFunc(func(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
		passed++
		return c.Resolve(ctx, ref, cred)
	}))
	if v, known := r.Recall(tag("1"), alice); known {
		t.Errorf("Recall() = %s before anything was asked", v.Reason)
	}
	var got []string
	for range 3 {
		got = append(got, r.Resolve(t.Context(), tag("1"), alice).Provenance())
	}
	if v, known := r.Recall(tag("1"), alice); !known || v.Provenance() != "cache 0s" || v.Credential != alice.Source {
		t.Errorf("Recall() = %s from %s with %q, %t; want what was asked", v.Reason, v.Provenance(), v.Credential, known)
	}
	if v, known := r.Recall(tag("1"), nobody); known {
		t.Errorf("Recall() = %s for another credential", v.Reason)
	}
	if diff := cmp.Diff([]string{"registry", "cache 0s", "cache 0s"}, got); diff != "" || passed != 1 || s.asked != 1 {
		t.Errorf("passed on %d times, asked %d times; provenance (-want +got):\n%s", passed, s.asked, diff)
	}
	if diff := cmp.Diff([]bool{false, true, true, true}, hits); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
}
