package resolve

import (
	"context"
	"fmt"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	tests := map[string][]step{
		"one reference does not open the circuit": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 20 * time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 40 * time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: pullable, want: "Pullable registry"},
		},
		"three references in a row open the circuit": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), cred: alice, verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 4 * time.Second, ref: tag("4"), cred: bob, verdict: pullable, want: "RegistryUnavailable backoff 4s"},
			{ref: otherTag("4"), verdict: pullable, want: "Pullable registry"},
			{after: 6 * time.Second, ref: tag("4"), verdict: pullable, want: "Pullable registry"},
			{ref: tag("5"), verdict: pullable, want: "Pullable registry"},
		},
		"a usable response ends the row": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("3"), verdict: notFound, want: "NotFound registry"},
			{ref: tag("4"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("5"), verdict: pullable, want: "Pullable registry"},
		},
		"delays grow while the registry stays down": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("4"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 19 * time.Second, ref: tag("5"), verdict: pullable, want: "RegistryUnavailable backoff 19s"},
			{after: time.Second, ref: tag("5"), verdict: pullable, want: "Pullable registry"},
		},
		"failures that are not transient do not count": {
			{ref: tag("1"), verdict: lasting, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: lasting, want: "RegistryUnavailable registry"},
			{ref: tag("3"), verdict: lasting, want: "RegistryUnavailable registry"},
			{ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
		"rate limits do not count": {
			{ref: tag("1"), verdict: rateLimited, want: "RateLimited registry"},
			{ref: tag("2"), verdict: rateLimited, want: "RateLimited registry"},
			{ref: tag("3"), verdict: rateLimited, want: "RateLimited registry"},
			{ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
		"images that are too large to check do not count": {
			{ref: tag("1"), verdict: tooLarge, want: "DeadlineExceeded registry"},
			{ref: tag("2"), verdict: tooLarge, want: "DeadlineExceeded registry"},
			{ref: tag("3"), verdict: tooLarge, want: "DeadlineExceeded registry"},
			{ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
		"a verdict without a request does not end the row": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("0"), verdict: forbidden, want: "EgressForbidden registry"},
			{ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("4"), verdict: pullable, want: "RegistryUnavailable backoff 0s"},
		},
		"a long pause ends the row": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 601 * time.Second, ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
		"Retry-After of one reference does not open the circuit": {
			{ref: tag("1"), verdict: withRetryAfter(transient, time.Minute), want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: pullable, want: "Pullable registry"},
		},
		"Retry-After prolongs the delay": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("3"), verdict: withRetryAfter(transient, time.Minute), want: "RegistryUnavailable registry"},
			{after: 59 * time.Second, ref: tag("4"), verdict: pullable, want: "RegistryUnavailable backoff 59s"},
			{after: time.Second, ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
		"Retry-After does not shorten the delay": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("3"), verdict: withRetryAfter(transient, time.Second), want: "RegistryUnavailable registry"},
			{after: 9 * time.Second, ref: tag("4"), verdict: pullable, want: "RegistryUnavailable backoff 9s"},
			{after: time.Second, ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
		"Retry-After is bounded": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("3"), verdict: withRetryAfter(transient, 24*time.Hour), want: "RegistryUnavailable registry"},
			{after: 299 * time.Second, ref: tag("2"), verdict: pullable, want: "RegistryUnavailable backoff 4m59s"},
			{after: time.Second, ref: tag("2"), verdict: pullable, want: "Pullable registry"},
		},
		"one namespace closes a registry for itself only": {
			{ns: "shop", ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "shop", ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "shop", ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "shop", ref: tag("4"), verdict: pullable, want: "RegistryUnavailable backoff 0s"},
			{ns: "depot", ref: tag("4"), verdict: pullable, want: "Pullable registry"},
			{ns: "shop", ref: tag("5"), verdict: pullable, want: "RegistryUnavailable backoff 0s"},
		},
		"three references of two namespaces close it for all": {
			{ns: "shop", ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "shop", ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "depot", ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 9 * time.Second, ns: "market", ref: tag("4"), verdict: pullable, want: "RegistryUnavailable backoff 9s"},
			{after: time.Second, ns: "market", ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
		"two references of two namespaces do not": {
			{ns: "shop", ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "shop", ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "depot", ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "depot", ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
		"a usable response to another namespace ends the row of all": {
			{ns: "shop", ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "shop", ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "market", ref: tag("0"), verdict: notFound, want: "NotFound registry"},
			{ns: "depot", ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "depot", ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
		"failures of a host to which the registry redirects do not count": {
			{ns: "shop", ref: tag("1"), verdict: redirected, want: "RegistryUnavailable registry"},
			{ns: "shop", ref: tag("2"), verdict: redirected, want: "RegistryUnavailable registry"},
			{ns: "depot", ref: tag("3"), verdict: redirected, want: "RegistryUnavailable registry"},
			{ns: "depot", ref: tag("4"), verdict: redirected, want: "RegistryUnavailable registry"},
			{ns: "shop", ref: tag("5"), verdict: pullable, want: "Pullable registry"},
		},
		"the attempts for all namespaces come twice as often as the attempts of one": {
			{ns: "shop", ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "shop", ref: tag("2"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "depot", ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ns: "depot", ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 20 * time.Second, ns: "depot", ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 40 * time.Second, ns: "depot", ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 80 * time.Second, ns: "depot", ref: tag("3"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 149 * time.Second, ns: "shop", ref: tag("4"), verdict: pullable, want: "RegistryUnavailable backoff 2m29s"},
			{after: time.Second, ns: "shop", ref: tag("4"), verdict: pullable, want: "Pullable registry"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSteps(t, steps, breakerOnly)
		})
	}
}

// outage is a registry that is down, behind an open circuit.
type outage struct {
	fakeRegistry
	clock   *clocktesting.FakeClock
	breaker *Breaker
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	down := imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "connection refused", Transient: true}
	o := &outage{fakeRegistry: fakeRegistry{verdict: down}, clock: newFakeClock()}
	o.breaker = NewBreaker(testBackoff(), o.clock)
	for i := range 3 {
		o.attempt(t.Context(), tag(fmt.Sprint(i)), anonymous)
	}
	return o
}

// attempt sends a request through the breaker alone.
func (o *outage) attempt(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return o.breaker.do(ctx, key{ref: ref}, func() imagepull.Verdict { return o.Resolve(ctx, ref, cred) })
}

func TestBreakerDetailHasNoTime(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	o.clock.Step(2 * time.Second)
	options := neutral(o.clock)
	options.Breaker = o.breaker
	v := newResolver(t, o, options).Resolve(t.Context(), tag("new"), alice)
	want := "connection refused (no new request yet)"
	if v.Detail != want || v.Transient || v.Credential != alice.Source || v.Outcome() != imagepull.Indeterminate {
		t.Errorf("got %s %q for %q, transient %t, want Indeterminate %q, not transient", v.Outcome(), v.Detail, v.Credential, v.Transient, want)
	}
}

func TestResolversShareABreaker(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	options := neutral(o.clock)
	options.Breaker = o.breaker
	images, contents := newResolver(t, o, options), newResolver(t, o, options)
	if got := contents.Resolve(t.Context(), digest("1"), alice).Provenance(); got != "backoff 0s" || o.requests != 3 {
		t.Errorf("the verdict is from %s after %d requests, want the backoff and 3", got, o.requests)
	}
	if got := backingOff(contents); got != 1 {
		t.Errorf("%d registries are backing off, want 1", got)
	}
	o.clock.Step(10 * time.Second)
	if got := backingOff(contents); got != 0 {
		t.Errorf("%d registries are backing off after the delay, want 0", got)
	}
	o.verdict = pullable
	for _, r := range []*Resolver{contents, images} {
		if got := r.Resolve(t.Context(), tag("new"), anonymous).Provenance(); got != "registry" {
			t.Errorf("the verdict is from %s after the outage, want the registry", got)
		}
	}
}

func TestADeadlineCountsAndACallerThatGivesUpDoesNot(t *testing.T) {
	t.Parallel()
	deadline, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	cancelled, cancelNow := context.WithCancel(t.Context())
	cancelNow()
	for name, tt := range map[string]struct {
		ctx  context.Context
		want string
	}{
		"the deadline is over":    {deadline, "backoff 19s"},
		"the caller has given up": {cancelled, "registry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutage(t)
			o.clock.Step(10 * time.Second)
			o.verdict = imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}
			o.attempt(tt.ctx, tag("half-open"), anonymous)
			o.verdict = pullable
			o.clock.Step(19 * time.Second)
			if got := o.attempt(t.Context(), tag("new"), anonymous).Provenance(); got != tt.want {
				t.Errorf("the verdict after the attempt is from %s, want %s", got, tt.want)
			}
		})
	}
}

// TestBreakerIsBounded uses more registries than there are circuits, as a pod author can.
func TestBreakerIsBounded(t *testing.T) {
	t.Parallel()
	b := NewBreaker(testBackoff(), newFakeClock())
	for i := range 3 * (maxFailures + 1000) {
		ref := imagepull.Reference{Domain: fmt.Sprint(i/3, ".example"), Path: "web", Tag: fmt.Sprint(i % 3)}
		b.do(t.Context(), key{ref: ref}, func() imagepull.Verdict { return transient })
	}
	domains := map[string]bool{}
	if b.addBackingOff(domains); len(domains) != maxFailures {
		t.Errorf("%d circuits are open, want %d", len(domains), maxFailures)
	}
}
