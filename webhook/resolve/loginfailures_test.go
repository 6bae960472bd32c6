package resolve

import (
	"fmt"
	"testing"
	"time"
)

// A lookup needs room for two failures, so that the last one that is sent can still be confirmed.
func TestCredentialIsNotSentAfterTooManyFailedLogins(t *testing.T) {
	t.Parallel()
	var failing []step
	for i := range maxLoginFailures - 1 {
		failing = append(failing, step{ref: tag(fmt.Sprint(i % 3)), cred: alice, verdict: loginFailed, want: "AccessDenied registry"})
	}
	tests := map[string][]step{
		"the same reference":   {{ref: tag("0"), cred: alice, verdict: pullable, want: "RegistryUnavailable backoff 0s"}},
		"another reference":    {{ref: tag("new"), cred: alice, verdict: pullable, want: "RegistryUnavailable backoff 0s"}},
		"from another secret":  {{ref: tag("new"), cred: aliceElsewhere, verdict: pullable, want: "RegistryUnavailable backoff 0s"}},
		"with another account": {{ref: tag("new"), cred: bob, verdict: pullable, want: "Pullable registry"}},
		"anonymously":          {{ref: tag("new"), cred: anonymous, verdict: pullable, want: "Pullable registry"}},
		"at another registry":  {{ref: otherTag("new"), cred: alice, verdict: pullable, want: "Pullable registry"}},
		"after the lockout period": {
			{after: 29 * time.Second, ref: tag("0"), cred: alice, verdict: pullable, want: "RegistryUnavailable backoff 29s"},
			{after: time.Second, ref: tag("0"), cred: alice, verdict: pullable, want: "Pullable registry"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSteps(t, append(failing[:len(failing):len(failing)], steps...), loginFailuresOnly)
		})
	}
}

func TestLoginThatSucceedsDoesNotEndTheCount(t *testing.T) {
	t.Parallel()
	var steps []step
	for i := range maxLoginFailures - 1 {
		steps = append(steps,
			step{ref: tag(fmt.Sprint(i)), cred: alice, verdict: loginFailed, want: "AccessDenied registry"},
			step{ref: tag("public"), cred: alice, verdict: pullable, want: "Pullable registry"})
	}
	steps[len(steps)-1].want = "RegistryUnavailable backoff 0s"
	runSteps(t, steps, loginFailuresOnly)
}

func TestResolversShareTheFailedLogins(t *testing.T) {
	t.Parallel()
	registry, options := &fakeRegistry{verdict: loginFailed}, loginFailuresOnly(newFakeClock())
	one, other := newResolver(t, registry, options), newResolver(t, registry, options)
	for range maxLoginFailures {
		one.Resolve(t.Context(), tag("1"), alice)
		other.Resolve(t.Context(), digest("1"), alice)
	}
	if registry.requests != maxLoginFailures-1 {
		t.Errorf("%d requests, want %d", registry.requests, maxLoginFailures-1)
	}
}

// The failures of other namespaces are included.
func TestLockoutDetailHasNoCount(t *testing.T) {
	t.Parallel()
	r := newResolver(t, &fakeRegistry{verdict: loginFailed}, loginFailuresOnly(newFakeClock()))
	for i := range maxLoginFailures {
		r.Resolve(t.Context(), tag(fmt.Sprint(i)), alice)
	}
	v := r.Resolve(t.Context(), tag("new"), alice)
	if want := "no request sent: the credential from secret/shop/alice was refused several times within 30s"; v.Detail != want {
		t.Errorf("detail = %q, want %q", v.Detail, want)
	}
}
