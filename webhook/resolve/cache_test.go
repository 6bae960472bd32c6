package resolve

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestCache(t *testing.T) {
	t.Parallel()
	changed := imagepull.Credential{Username: "alice", Password: "new", Source: alice.Source}
	tests := map[string][]step{
		"a tag is cached for its TTL": {
			{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
			{after: 59 * time.Second, ref: tag("1"), verdict: notFound, want: "Pullable cache 59s"},
			{after: time.Second, ref: tag("1"), verdict: notFound, want: "NotFound registry"},
		},
		"a digest has a TTL of its own": {
			{ref: digest("1"), verdict: pullable, want: "Pullable registry"},
			{after: 599 * time.Second, ref: digest("1"), verdict: notFound, want: "Pullable cache 9m59s"},
			{after: time.Second, ref: digest("1"), verdict: notFound, want: "NotFound registry"},
		},
		"another tag has another entry": {
			{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
			{ref: tag("2"), verdict: notFound, want: "NotFound registry"},
		},
		"a credential has no access to the entries of another": {
			{ref: tag("1"), cred: alice, verdict: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: bob, verdict: denied, want: "AccessDenied registry"},
			{ref: tag("1"), cred: anonymous, verdict: notFound, want: "NotFound registry"},
			{ref: tag("1"), cred: alice, verdict: notFound, want: "Pullable cache 0s"},
		},
		"a changed password is another credential": {
			{ref: tag("1"), cred: alice, verdict: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: changed, verdict: denied, want: "AccessDenied registry"},
		},
		"the boundary of user and password matters": {
			{ref: tag("1"), cred: imagepull.Credential{Username: "ab", Password: "c"}, verdict: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: imagepull.Credential{Username: "a", Password: "bc"}, verdict: denied, want: "AccessDenied registry"},
		},
		"a password without a user is anonymous": {
			{ref: tag("1"), cred: anonymous, verdict: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: imagepull.Credential{Password: "x", Source: "file/a"}, verdict: denied, want: "Pullable cache 0s"},
		},
		"the same account from another secret has the same entry": {
			{ref: tag("1"), cred: alice, verdict: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: aliceElsewhere, verdict: denied, want: "Pullable cache 0s"},
		},
		"indeterminate verdicts are not cached": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("1"), verdict: rateLimited, want: "RateLimited registry"},
			{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"a failure is cached for a second": {
			{ref: tag("1"), verdict: notFound, want: "NotFound registry"},
			{after: 999 * time.Millisecond, ref: tag("1"), verdict: pullable, want: "NotFound cache 1s"},
			{after: time.Millisecond, ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"and no longer in a row of failures": {
			{ref: tag("1"), verdict: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), verdict: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), verdict: unsupported, want: "UnsupportedImage registry"},
			{after: time.Second, ref: tag("1"), verdict: notFound, want: "NotFound registry"},
			{after: time.Second, ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"denied access is cached for two seconds": {
			{ref: tag("1"), cred: alice, verdict: denied, want: "AccessDenied registry"},
			{after: 1999 * time.Millisecond, ref: tag("1"), cred: alice, verdict: pullable, want: "AccessDenied cache 2s"},
			{after: time.Millisecond, ref: tag("1"), cred: alice, verdict: pullable, want: "Pullable registry"},
		},
		"so is a failed login": {
			{ref: tag("1"), cred: alice, verdict: loginFailed, want: "AccessDenied registry"},
			{after: time.Second, ref: tag("1"), cred: alice, verdict: pullable, want: "AccessDenied cache 1s"},
			{after: time.Second, ref: tag("1"), cred: alice, verdict: pullable, want: "Pullable registry"},
		},
		"namespaces share a pullable verdict": {
			{ns: "shop", ref: tag("1"), verdict: pullable, want: "Pullable registry"},
			{after: 10 * time.Second, ns: "depot", ref: tag("1"), verdict: notFound, want: "Pullable cache 10s"},
		},
		"and no other verdict": { // the image may have been pushed since
			{ns: "shop", ref: tag("1"), verdict: notFound, want: "NotFound registry"},
			{ns: "depot", ref: tag("1"), verdict: pullable, want: "Pullable registry"},
			{ns: "shop", ref: tag("1"), verdict: notFound, want: "Pullable cache 0s"},
			{ns: "shop", ref: tag("2"), cred: alice, verdict: denied, want: "AccessDenied registry"},
			{ns: "depot", ref: tag("2"), cred: alice, verdict: denied, want: "AccessDenied registry"},
			{ns: "depot", ref: tag("2"), cred: alice, verdict: denied, want: "AccessDenied cache 0s"},
		},
		"a clock that goes back does not prolong a TTL": {
			{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
			{after: -time.Hour, ref: tag("1"), verdict: notFound, want: "NotFound registry"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSteps(t, steps, cacheOnly)
		})
	}
}

func TestCacheWithoutTTLsStoresNothing(t *testing.T) {
	t.Parallel()
	runSteps(t, []step{
		{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		{ref: tag("1"), verdict: notFound, want: "NotFound registry"},
		{ref: tag("1"), verdict: loginFailed, want: "AccessDenied registry"},
		{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
	}, neutral)
}

func TestCacheEntriesFromAnotherRouteAreNotFresh(t *testing.T) {
	t.Parallel()
	runSteps(t, []step{
		{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		{after: 10 * time.Second, ref: tag("1"), verdict: notFound, want: "Pullable cache 10s"},
		{after: 10 * time.Second, ref: tag("1"), verdict: notFound, want: "NotFound registry"},
		{ref: tag("1"), verdict: pullable, want: "NotFound cache 0s"},
	}, func(clock clock.Clock) Options {
		changes := clock.Now().Add(15 * time.Second)
		o := cacheOnly(clock)
		o.RoutedSince = func(domain string) time.Time {
			if domain != tag("1").Domain || clock.Now().Before(changes) {
				return time.Time{}
			}
			return changes
		}
		return o
	})
}

func TestCachedAgeCountsFromTheStartOfTheRequest(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	slow := registryFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
		clock.Step(5 * time.Second)
		return pullable
	})
	r := newResolver(t, slow, cacheOnly(clock))
	r.Resolve(t.Context(), tag("1"), anonymous)
	if v := r.Resolve(t.Context(), tag("1"), anonymous); v.Age != 5*time.Second {
		t.Errorf("age = %v, want 5s", v.Age)
	}
}

func TestCachedReturnsFreshVerdictsOnly(t *testing.T) {
	t.Parallel()
	var hits []bool
	registry := &fakeRegistry{verdict: pullable}
	o := cacheOnly(newFakeClock())
	o.ObserveCache = func(hit bool) { hits = append(hits, hit) }
	r := newResolver(t, registry, o)
	if v, ok := r.Cached(tag("1"), alice); ok {
		t.Errorf("Cached() = %s before any request", v.Reason)
	}
	var got []string
	for range 3 {
		got = append(got, r.Resolve(t.Context(), tag("1"), alice).Provenance())
	}
	if v, ok := r.Cached(tag("1"), alice); !ok || v.Provenance() != "cache 0s" || v.Credential != alice.Source {
		t.Errorf("Cached() = %s from %s with %q, %t; want the cached verdict", v.Reason, v.Provenance(), v.Credential, ok)
	}
	if v, ok := r.Cached(tag("1"), anonymous); ok {
		t.Errorf("Cached() = %s for another credential", v.Reason)
	}
	if diff := cmp.Diff([]string{"registry", "cache 0s", "cache 0s"}, got); diff != "" || registry.requests != 1 {
		t.Errorf("%d requests; provenance (-want +got):\n%s", registry.requests, diff)
	}
	if diff := cmp.Diff([]bool{false, true, true, true}, hits); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
}
