package resolve_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// tooLarge is an image that nobody looks into to the end, though there is time.
var tooLarge = imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded, Detail: "too many layers"}

func TestBreaker(t *testing.T) {
	t.Parallel()
	tests := map[string][]step{
		"a reference that fails for ever is no registry that is down": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 20 * time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{after: 40 * time.Second, ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), says: pullable, want: "Pullable registry"},
		},
		"three in a row are a registry that is down": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), cred: alice, says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("3"), says: transient, want: "RegistryUnavailable registry"},
			{after: 4 * time.Second, ref: tag("4"), cred: bob, says: pullable, want: "RegistryUnavailable backoff 4s"},
			{ref: elsewhere("4"), says: pullable, want: "Pullable registry"},
			{after: 6 * time.Second, ref: tag("4"), says: pullable, want: "Pullable registry"},
			{ref: tag("5"), says: pullable, want: "Pullable registry"},
		},
		"an answer between them is a registry that is up": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("3"), says: notFound, want: "NotFound registry"},
			{ref: tag("4"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("5"), says: pullable, want: "Pullable registry"},
		},
		"a registry that stays down rests longer": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("3"), says: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("4"), says: transient, want: "RegistryUnavailable registry"},
			{after: 19 * time.Second, ref: tag("5"), says: pullable, want: "RegistryUnavailable backoff 19s"},
			{after: time.Second, ref: tag("5"), says: pullable, want: "Pullable registry"},
		},
		"odd answers say nothing of the registry": {
			{ref: tag("1"), says: odd, want: "RegistryUnavailable registry"},
			{ref: tag("2"), says: odd, want: "RegistryUnavailable registry"},
			{ref: tag("3"), says: odd, want: "RegistryUnavailable registry"},
			{ref: tag("4"), says: pullable, want: "Pullable registry"},
		},
		"rate limits say nothing of the registry": {
			{ref: tag("1"), says: limited, want: "RateLimited registry"},
			{ref: tag("2"), says: limited, want: "RateLimited registry"},
			{ref: tag("3"), says: limited, want: "RateLimited registry"},
			{ref: tag("4"), says: pullable, want: "Pullable registry"},
		},
		"what looks too large is no registry that is down": {
			{ref: tag("1"), says: tooLarge, want: "DeadlineExceeded registry"},
			{ref: tag("2"), says: tooLarge, want: "DeadlineExceeded registry"},
			{ref: tag("3"), says: tooLarge, want: "DeadlineExceeded registry"},
			{ref: tag("4"), says: pullable, want: "Pullable registry"},
		},
		"what was never asked ends nothing": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("0"), says: forbidden, want: "EgressForbidden registry"},
			{ref: tag("3"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("4"), says: pullable, want: "RegistryUnavailable backoff 0s"},
		},
		"a long pause ends it": {
			{ref: tag("1"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), says: transient, want: "RegistryUnavailable registry"},
			{after: 601 * time.Second, ref: tag("3"), says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("4"), says: pullable, want: "Pullable registry"},
		},
		"Retry-After speaks for the whole registry": {
			{ref: tag("1"), says: after(transient, time.Minute), want: "RegistryUnavailable registry"},
			{after: 59 * time.Second, ref: tag("2"), says: pullable, want: "RegistryUnavailable backoff 59s"},
			{after: time.Second, ref: tag("2"), says: pullable, want: "Pullable registry"},
		},
		"Retry-After is no longer than the registry wants": {
			{ref: tag("1"), says: after(transient, time.Second), want: "RegistryUnavailable registry"},
			{ref: tag("2"), says: pullable, want: "RegistryUnavailable backoff 0s"},
			{after: time.Second, ref: tag("2"), says: pullable, want: "Pullable registry"},
		},
		"Retry-After does not shorten the rest of a registry that stays down": {
			{ref: tag("1"), says: after(transient, time.Second), want: "RegistryUnavailable registry"},
			{after: time.Second, ref: tag("2"), says: after(transient, time.Second), want: "RegistryUnavailable registry"},
			{after: time.Second, ref: tag("3"), says: after(transient, time.Second), want: "RegistryUnavailable registry"},
			{after: 9 * time.Second, ref: tag("4"), says: pullable, want: "RegistryUnavailable backoff 9s"},
			{after: time.Second, ref: tag("4"), says: pullable, want: "Pullable registry"},
		},
		"Retry-After has its bound": {
			{ref: tag("1"), says: after(transient, 24*time.Hour), want: "RegistryUnavailable registry"},
			{after: 299 * time.Second, ref: tag("2"), says: pullable, want: "RegistryUnavailable backoff 4m59s"},
			{after: time.Second, ref: tag("2"), says: pullable, want: "Pullable registry"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, steps, func(next resolve.Resolver, clock *clocktesting.FakeClock) resolve.Resolver {
				return resolve.NewBreaker(next, resolve.NewCircuits(backoff(), clock))
			})
		})
	}
}

// outage is a registry that is down, behind a circuit that is open.
type outage struct {
	site
	clock    *clocktesting.FakeClock
	circuits *resolve.Circuits
	breaker  *resolve.Breaker
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	down := imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "connection refused", Transient: true}
	o := &outage{site: site{says: down}, clock: clocktesting.NewFakeClock(time.Unix(1e9, 0))}
	o.circuits = resolve.NewCircuits(backoff(), o.clock)
	o.breaker = resolve.NewBreaker(o, o.circuits)
	for i := range 3 {
		o.breaker.Resolve(t.Context(), tag(fmt.Sprint(i)), nobody)
	}
	return o
}

func TestBreakerDetail(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	o.clock.Step(2 * time.Second)
	v := o.breaker.Resolve(t.Context(), tag("new"), alice)
	want := "connection refused (asked 2s ago, again in 8s)"
	if v.Detail != want || v.Transient || v.Credential != alice.Source || v.Outcome() != imagepull.Indeterminate {
		t.Errorf("got %s %q for %q, want a lasting doubt and %q", v.Outcome(), v.Detail, v.Credential, want)
	}
}

// TestBreakersShareTheirCircuits: what one learns counts for the other, and a registry for one.
func TestBreakersShareTheirCircuits(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	other := resolve.NewBreaker(o, o.circuits)
	if got := other.Resolve(t.Context(), digested("1"), alice).Provenance(); got != "backoff 0s" || o.asked != 3 {
		t.Errorf("the verdict is from %s after %d requests, want the backoff and 3", got, o.asked)
	}
	if got := resting(o.circuits); got != 1 {
		t.Errorf("%d registries are left alone, want 1", got)
	}
	o.clock.Step(10 * time.Second)
	if got := resting(o.circuits); got != 0 {
		t.Errorf("%d registries are left alone after the rest, want 0", got)
	}
	o.says = pullable
	for _, b := range []*resolve.Breaker{other, o.breaker} {
		if got := b.Resolve(t.Context(), tag("new"), nobody).Provenance(); got != "registry" {
			t.Errorf("the verdict is from %s when the registry is back, want the registry", got)
		}
	}
}

// TestBreakerDeadline: a registry that lets all the time go by is down; a caller who gives up says nothing of it.
func TestBreakerDeadline(t *testing.T) {
	t.Parallel()
	late := imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}
	overdue, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	givenUp, giveUp := context.WithCancel(t.Context())
	giveUp()
	for name, tt := range map[string]struct {
		probe context.Context
		want  string
	}{
		"overdue":  {overdue, "backoff 19s"},
		"given up": {givenUp, "registry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutage(t)
			o.clock.Step(10 * time.Second)
			o.says = late
			o.breaker.Resolve(tt.probe, tag("probe"), nobody)
			o.says = pullable
			o.clock.Step(19 * time.Second)
			if got := o.breaker.Resolve(t.Context(), tag("new"), nobody).Provenance(); got != tt.want {
				t.Errorf("the verdict after the probe is from %s, want %s", got, tt.want)
			}
		})
	}
}

// TestCircuitsForgetTheOldest, with as many hosts as a tenant can think of.
func TestCircuitsForgetTheOldest(t *testing.T) {
	t.Parallel()
	circuits := resolve.NewCircuits(backoff(), clocktesting.NewFakeClock(time.Unix(1e9, 0)))
	b := resolve.NewBreaker(&site{says: after(transient, time.Minute)}, circuits)
	for i := range 2000 {
		b.Resolve(t.Context(), imagepull.Reference{Domain: fmt.Sprint(i, ".example"), Path: "web", Tag: "1"}, nobody)
	}
	if got := resting(circuits); got != 1024 {
		t.Errorf("%d registries are left alone, want 1024", got)
	}
}
