package resolve

import (
	"fmt"
	"testing"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// A lookup needs room for the refusals of two, so that the last one that is sent can still be confirmed.
func TestCredentialIsNotSentAfterTooManyFailedLogins(t *testing.T) {
	t.Parallel()
	failing := []step{
		{ref: tag("0"), cred: alice, verdict: loginFailed, want: "AccessDenied registry"},
		{ref: tag("1"), cred: alice, verdict: loginFailed, want: "AccessDenied registry"},
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
	for i := range 2 {
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
	for range 5 {
		one.Resolve(t.Context(), tag("1"), alice)
		other.Resolve(t.Context(), digest("1"), alice)
	}
	if registry.requests != 2 {
		t.Errorf("%d requests, want 2", registry.requests)
	}
}

// Also a lookup that succeeds or fails in another way may have refused logins.
func TestFailedLoginsCountEachRequest(t *testing.T) {
	t.Parallel()
	for refused, want := range map[int]int{1: 3, 2: 2, 3: 1, maxRefusedLogins: 1} {
		for name, verdict := range map[string]imagepull.Verdict{
			"a denial": loginFailed, "a success": pullable, "a failure": {Reason: imagepull.ReasonRegistryUnavailable},
		} {
			t.Run(fmt.Sprintf("%d before %s", refused, name), func(t *testing.T) {
				t.Parallel()
				verdict.RefusedLogins = refused
				registry := &scriptedRegistry{verdicts: []imagepull.Verdict{verdict}}
				r := newResolver(t, registry, loginFailuresOnly(newFakeClock()))
				for i := range 10 {
					r.Resolve(t.Context(), tag(fmt.Sprint(i)), alice)
				}
				if registry.requests != want {
					t.Errorf("%d lookups, want %d", registry.requests, want)
				}
			})
		}
	}
}

// The failures include those of other namespaces.
func TestLockoutDetailHasNoCount(t *testing.T) {
	t.Parallel()
	r := newResolver(t, &fakeRegistry{verdict: loginFailed}, loginFailuresOnly(newFakeClock()))
	for i := range 2 {
		r.Resolve(t.Context(), tag(fmt.Sprint(i)), alice)
	}
	v := r.Resolve(t.Context(), tag("new"), alice)
	if want := "no request sent: the credential from secret/shop/alice was refused several times within 30s"; v.Detail != want {
		t.Errorf("detail = %q, want %q", v.Detail, want)
	}
}
