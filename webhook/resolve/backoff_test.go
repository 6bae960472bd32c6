package resolve

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	tests := map[string][]step{
		"certain verdicts start no backoff": {
			{ref: tag("1"), verdict: notFound, want: "NotFound registry"},
			{ref: tag("1"), verdict: denied, want: "AccessDenied registry"},
			{ref: tag("1"), verdict: unsupported, want: "UnsupportedImage registry"},
			{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"delays grow by the factor, up to the maximum": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 9 * time.Second, ref: tag("1"), verdict: pullable, want: "RegistryUnavailable backoff 9s"},
			{after: time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 19 * time.Second, ref: tag("1"), verdict: pullable, want: "RegistryUnavailable backoff 19s"},
			{after: time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 40 * time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 80 * time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 160 * time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 299 * time.Second, ref: tag("1"), verdict: pullable, want: "RegistryUnavailable backoff 4m59s"},
			{after: time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 300 * time.Second, ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"a success ends the row of failures": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 20 * time.Second, ref: tag("1"), verdict: pullable, want: "Pullable registry"},
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"a certain failure ends the row of failures": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), verdict: notFound, want: "NotFound registry"},
			{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"a long pause ends the row of failures": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 601 * time.Second, ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{after: 10 * time.Second, ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"a failed login does not end the row of an account": {
			{ref: tag("1"), cred: alice, verdict: rateLimited, want: "RateLimited registry"},
			{after: 10 * time.Second, ref: tag("2"), cred: alice, verdict: loginFailed, want: "AccessDenied registry"},
			{ref: tag("3"), cred: alice, verdict: rateLimited, want: "RateLimited registry"},
			{after: 19 * time.Second, ref: tag("4"), cred: alice, verdict: pullable, want: "RateLimited backoff 19s"},
			{after: time.Second, ref: tag("4"), cred: alice, verdict: pullable, want: "Pullable registry"},
		},
		"a reference does not affect others": {
			{ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("2"), verdict: pullable, want: "Pullable registry"},
			{ref: tag("1"), verdict: pullable, want: "RegistryUnavailable backoff 0s"},
		},
		"failures that are not transient start a backoff": {
			{ref: tag("1"), verdict: lasting, want: "RegistryUnavailable registry"},
			{ref: tag("1"), verdict: pullable, want: "RegistryUnavailable backoff 0s"},
			{ref: tag("2"), verdict: pullable, want: "Pullable registry"},
		},
		"a response without TLS starts a backoff": {
			{ref: tag("1"), verdict: imagepull.Verdict{Reason: imagepull.ReasonInsecureRegistry}, want: "InsecureRegistry registry"},
			{ref: tag("1"), verdict: pullable, want: "InsecureRegistry backoff 0s"},
		},
		"a web page starts a backoff": {
			{ref: tag("1"), verdict: imagepull.Verdict{Reason: imagepull.ReasonNotARegistry}, want: "NotARegistry registry"},
			{ref: tag("1"), verdict: pullable, want: "NotARegistry backoff 0s"},
		},
		"a verdict from another backoff is not a failure": {
			{ref: tag("1"), verdict: withOrigin(transient, imagepull.OriginBackoff), want: "RegistryUnavailable backoff 0s"},
			{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"a credential does not affect others": {
			{ref: tag("1"), cred: alice, verdict: transient, want: "RegistryUnavailable registry"},
			{ref: tag("1"), cred: bob, verdict: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: aliceElsewhere, verdict: pullable, want: "RegistryUnavailable backoff 0s"},
		},
		"a verdict without a request is not a failure": {
			{ref: tag("1"), verdict: forbidden, want: "EgressForbidden registry"},
			{ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"Retry-After does not shorten a delay": {
			{ref: tag("1"), verdict: withRetryAfter(transient, time.Second), want: "RegistryUnavailable registry"},
			{after: 9 * time.Second, ref: tag("1"), verdict: pullable, want: "RegistryUnavailable backoff 9s"},
		},
		"Retry-After is bounded": {
			{ref: tag("1"), verdict: withRetryAfter(transient, 24*time.Hour), want: "RegistryUnavailable registry"},
			{after: 5 * time.Minute, ref: tag("1"), verdict: pullable, want: "Pullable registry"},
		},
		"a rate limit applies to the account": {
			{ref: tag("1"), cred: alice, verdict: rateLimited, want: "RateLimited registry"},
			{ref: tag("2"), cred: alice, verdict: pullable, want: "RateLimited backoff 0s"},
			{ref: tag("2"), cred: bob, verdict: pullable, want: "Pullable registry"},
			{ref: tag("2"), cred: anonymous, verdict: pullable, want: "Pullable registry"},
			{ref: otherTag("2"), cred: alice, verdict: pullable, want: "Pullable registry"},
			{after: 10 * time.Second, ref: tag("2"), cred: alice, verdict: pullable, want: "Pullable registry"},
		},
		"a rate limit of a host to which the registry redirects does not": {
			{ref: tag("1"), verdict: imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Redirected: true}, want: "RateLimited registry"},
			{ref: tag("1"), verdict: pullable, want: "RateLimited backoff 0s"},
			{ref: tag("2"), verdict: pullable, want: "Pullable registry"},
		},
		"a namespace does not affect others": {
			{ns: "shop", ref: tag("1"), verdict: transient, want: "RegistryUnavailable registry"},
			{ns: "depot", ref: tag("1"), verdict: pullable, want: "Pullable registry"},
			{ns: "shop", ref: tag("2"), verdict: rateLimited, want: "RateLimited registry"},
			{ns: "depot", ref: tag("3"), verdict: pullable, want: "Pullable registry"},
			{ns: "shop", ref: tag("3"), verdict: pullable, want: "RateLimited backoff 0s"},
		},
		"a success ends the row of rate limits": {
			{ref: tag("1"), cred: alice, verdict: rateLimited, want: "RateLimited registry"},
			{after: 10 * time.Second, ref: tag("2"), cred: alice, verdict: pullable, want: "Pullable registry"},
			{ref: tag("3"), cred: alice, verdict: rateLimited, want: "RateLimited registry"},
			{after: 10 * time.Second, ref: tag("4"), cred: alice, verdict: pullable, want: "Pullable registry"},
		},
		"a success of one account does not end the rate limit of another": {
			{ref: tag("1"), cred: alice, verdict: rateLimited, want: "RateLimited registry"},
			{ref: tag("1"), cred: bob, verdict: pullable, want: "Pullable registry"},
			{ref: tag("2"), cred: alice, verdict: pullable, want: "RateLimited backoff 0s"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSteps(t, steps, backoffOnly)
		})
	}
}

func TestBackoffDetailHasNoTime(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	tooMany := imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Detail: "too many requests", RetryAfter: 20 * time.Second}
	r := newResolver(t, &fakeRegistry{verdict: tooMany}, backoffOnly(clock))
	r.Resolve(t.Context(), tag("1"), alice)
	clock.Step(12 * time.Second)
	v := r.Resolve(t.Context(), tag("2"), aliceElsewhere)
	want := "too many requests (no new request yet)"
	if v.Detail != want || v.Transient || v.Outcome() != imagepull.Indeterminate {
		t.Errorf("got %s %q, transient %t, want Indeterminate %q, not transient", v.Outcome(), v.Detail, v.Transient, want)
	}
	if got := backingOff(r); got != 1 {
		t.Errorf("%d registries are backing off, want 1", got)
	}
	clock.Step(8 * time.Second)
	if got := backingOff(r); got != 0 {
		t.Errorf("%d registries are backing off after the delay, want 0", got)
	}
}

func TestBackoffJitterStaysWithinItsFraction(t *testing.T) {
	t.Parallel()
	for range 100 {
		clock := newFakeClock()
		o := backoffOnly(clock)
		o.Backoff.Jitter = 0.5
		r := newResolver(t, &fakeRegistry{verdict: transient}, o)
		r.Resolve(t.Context(), tag("1"), anonymous)
		clock.Step(9999 * time.Millisecond)
		early := r.Resolve(t.Context(), tag("1"), anonymous)
		clock.Step(5001 * time.Millisecond)
		late := r.Resolve(t.Context(), tag("1"), anonymous)
		if early.Origin != imagepull.OriginBackoff || late.Origin != imagepull.OriginRegistry {
			t.Fatalf("got %s before 10s and %s after 15s, want backoff and registry", early.Origin, late.Origin)
		}
	}
}

// A registry that responds again is used after the longest delay.
func TestJitterDoesNotExceedTheLongestDelay(t *testing.T) {
	t.Parallel()
	for range 100 {
		clock := newFakeClock()
		o := backoffOnly(clock)
		o.Backoff.MaxDelay, o.Backoff.Jitter = o.Backoff.InitialDelay, 0.5
		r := newResolver(t, &fakeRegistry{verdict: transient}, o)
		r.Resolve(t.Context(), tag("1"), anonymous)
		clock.Step(o.Backoff.MaxDelay)
		if v := r.Resolve(t.Context(), tag("1"), anonymous); v.Origin != imagepull.OriginRegistry {
			t.Fatalf("the verdict is from the %s after the longest delay, want the registry", v.Origin)
		}
	}
}

// TestBackoffIsBounded uses more registries than there are entries, as a pod author can.
func TestBackoffIsBounded(t *testing.T) {
	t.Parallel()
	r := newResolver(t, &fakeRegistry{verdict: withRetryAfter(rateLimited, time.Minute)}, backoffOnly(newFakeClock()))
	for i := range 10000 {
		r.Resolve(t.Context(), imagepull.Reference{Domain: fmt.Sprint(i, ".example"), Path: "web", Tag: "1"}, anonymous)
	}
	if got := backingOff(r); got != maxFailures {
		t.Errorf("%d registries are backing off, want %d", got, maxFailures)
	}
}

func TestBackoffAppliesToWaitingChecks(t *testing.T) {
	t.Parallel()
	// The second check of an account waits for a slot while the first one meets the rate limit.
	registry := &fakeRegistry{verdict: rateLimited}
	o := backoffOnly(clock.RealClock{})
	o.Limiter = NewLimiter(2, 1)
	r := newResolver(t, registry, o)
	release, ok := o.Limiter.acquire(t.Context(), tag("1").Domain)
	if !ok {
		t.Fatal("acquire() reported false, want a slot")
	}
	origins := make(chan imagepull.Origin, 2)
	for i := range 2 {
		go func() { origins <- r.Resolve(t.Context(), tag(fmt.Sprint(i)), alice).Origin }()
	}
	release()
	first, second := <-origins, <-origins
	if registry.requests != 1 || first == second {
		t.Errorf("%d requests with verdicts from %s and %s, want one request", registry.requests, first, second)
	}
}
