package resolve_test

import (
	"fmt"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

func backoff() resolve.Backoff {
	return resolve.Backoff{InitialDelay: 10 * time.Second, Factor: 2, MaxDelay: 5 * time.Minute, Lockout: 30 * time.Second}
}

// odd is an answer that makes no sense, and says nothing of the registry as a whole.
var odd = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "the registry answered 418"}

var forbidden = imagepull.Verdict{Reason: imagepull.ReasonEgressForbidden}

// elsewhere is a reference into another registry.
func elsewhere(name string) imagepull.Reference {
	return imagepull.Reference{Domain: "other.example", Path: "shop/web", Tag: name}
}

func after(v imagepull.Verdict, retryAfter time.Duration) imagepull.Verdict {
	v.RetryAfter = retryAfter
	return v
}

// told is a verdict from the memory of what stands before the registry.
func told(v imagepull.Verdict) imagepull.Verdict {
	v.Origin = imagepull.OriginBackoff
	return v
}

// resting counts the registries that are left alone.
func resting(by interface{ AddResting(domains map[string]bool) }) int {
	domains := make(map[string]bool)
	by.AddResting(domains)
	return len(domains)
}

func TestBackedOff(t *testing.T) {
	t.Parallel()
	tests := map[string][]step{
		"certain answers are asked for every time": {
			{ref: tag("1"), says: notFound, want: "NotFound registry"},
			{ref: tag("1"), says: denied, want: "AccessDenied registry"},
			{ref: tag("1"), says: unsupported, want: "UnsupportedImage registry"},
			{ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"rests grow by the factor up to the longest": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 9 * time.Second, ref: tag("1"), says: pullable, want: "RegistryUnavailable backoff 9s"},
			{after: time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 19 * time.Second, ref: tag("1"), says: pullable, want: "RegistryUnavailable backoff 19s"},
			{after: time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 40 * time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 80 * time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 160 * time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 299 * time.Second, ref: tag("1"), says: pullable, want: "RegistryUnavailable backoff 4m59s"},
			{after: time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 300 * time.Second, ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"the first success ends it": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 20 * time.Second, ref: tag("1"), says: pullable, want: "Pullable registry"},
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"so does a certain failure": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), says: notFound, want: "NotFound registry"},
			{ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"a long pause ends it": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 601 * time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"one reference leaves the others alone": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), says: pullable, want: "Pullable registry"},
			{ref: tag("1"), says: pullable, want: "RegistryUnavailable backoff 0s"},
		},
		"odd answers are doubts too": {
			{ref: tag("1"), says: odd, want: "RegistryUnavailable registry"},
			{ref: tag("1"), says: pullable, want: "RegistryUnavailable backoff 0s"},
			{ref: tag("2"), says: pullable, want: "Pullable registry"},
		},
		"what others learnt is no failure of this": {
			{ref: tag("1"), says: told(transient), want: "RegistryUnavailable backoff 0s"},
			{ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"one credential leaves the others alone": {
			{ref: tag("1"), cred: alice, says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("1"), cred: bob, says: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: aliceAgain, says: pullable, want: "RegistryUnavailable backoff 0s"},
		},
		"what was never asked says nothing at all": {
			{ref: tag("1"), says: forbidden, want: "EgressForbidden registry"},
			{ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"Retry-After does not shorten a rest": {
			{ref: tag("1"), says: after(transient, time.Second), want: "RegistryUnavailable registry"},
			{after: 9 * time.Second, ref: tag("1"), says: pullable, want: "RegistryUnavailable backoff 9s"},
		},
		"Retry-After has its bound": {
			{ref: tag("1"), says: after(transient, 24*time.Hour), want: "RegistryUnavailable registry"},
			{after: 5 * time.Minute, ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"a rate limit is that of an account": {
			{ref: tag("1"), cred: alice, says: limited, want: "RateLimited registry"},
			{ref: tag("2"), cred: alice, says: pullable, want: "RateLimited backoff 0s"},
			{ref: tag("2"), cred: bob, says: pullable, want: "Pullable registry"},
			{ref: tag("2"), cred: nobody, says: pullable, want: "Pullable registry"},
			{ref: elsewhere("2"), cred: alice, says: pullable, want: "Pullable registry"},
			{after: 10 * time.Second, ref: tag("2"), cred: alice, says: pullable, want: "Pullable registry"},
		},
		"a success of one account ends no rate limit of another": {
			{ref: tag("1"), cred: alice, says: limited, want: "RateLimited registry"},
			{ref: tag("1"), cred: bob, says: pullable, want: "Pullable registry"},
			{ref: tag("2"), cred: alice, says: pullable, want: "RateLimited backoff 0s"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, steps, func(next resolve.Resolver, clock *clocktesting.FakeClock) resolve.Resolver {
				return resolve.NewBackedOff(next, backoff(), clock)
			})
		})
	}
}

func TestBackedOffDetail(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Unix(1e9, 0))
	tooMany := imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Detail: "too many requests", RetryAfter: 20 * time.Second}
	b := resolve.NewBackedOff(&site{says: tooMany}, backoff(), clock)
	b.Resolve(t.Context(), tag("1"), alice)
	clock.Step(12 * time.Second)
	v := b.Resolve(t.Context(), tag("2"), aliceAgain)
	want := "too many requests (asked 12s ago, again in 8s)"
	if v.Detail != want || v.Transient || v.Outcome() != imagepull.Indeterminate {
		t.Errorf("got %s %q, want a lasting doubt and %q", v.Outcome(), v.Detail, want)
	}
	if got := resting(b); got != 1 {
		t.Errorf("%d registries are left alone, want 1", got)
	}
	clock.Step(8 * time.Second)
	if got := resting(b); got != 0 {
		t.Errorf("%d registries are left alone after the rest, want 0", got)
	}
}

func TestBackedOffJitterStaysWithinItsFraction(t *testing.T) {
	t.Parallel()
	for range 100 {
		jittered := backoff()
		jittered.Jitter = 0.5
		clock := clocktesting.NewFakeClock(time.Unix(1e9, 0))
		b := resolve.NewBackedOff(&site{says: transient}, jittered, clock)
		b.Resolve(t.Context(), tag("1"), nobody)
		clock.Step(9999 * time.Millisecond)
		early := b.Resolve(t.Context(), tag("1"), nobody)
		clock.Step(5001 * time.Millisecond)
		late := b.Resolve(t.Context(), tag("1"), nobody)
		if early.Origin != imagepull.OriginBackoff || late.Origin != imagepull.OriginRegistry {
			t.Fatalf("got %s before 10s and %s after 15s, want backoff and registry", early.Origin, late.Origin)
		}
	}
}

// TestBackedOffForgetsTheOldest, with as many registries as a tenant can think of.
func TestBackedOffForgetsTheOldest(t *testing.T) {
	t.Parallel()
	s := &site{says: after(limited, time.Minute)}
	b := resolve.NewBackedOff(s, backoff(), clocktesting.NewFakeClock(time.Unix(1e9, 0)))
	for i := range 10000 {
		b.Resolve(t.Context(), imagepull.Reference{Domain: fmt.Sprint(i, ".example"), Path: "web", Tag: "1"}, nobody)
	}
	if got := resting(b); got != 4096 {
		t.Errorf("%d registries are left alone, want 4096", got)
	}
}
