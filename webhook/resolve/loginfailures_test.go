package resolve

import (
	"fmt"
	"testing"
	"time"
)

// TestASixthReferenceIsBlockedAfterFiveFailedLogins also shows that the five references are not blocked.
func TestASixthReferenceIsBlockedAfterFiveFailedLogins(t *testing.T) {
	t.Parallel()
	var failing []step
	for i := range maxLoginFailures {
		failing = append(failing, step{ref: tag(fmt.Sprint(i)), cred: alice, verdict: loginFailed, want: "AccessDenied registry"})
	}
	sixth := step{ref: tag("sixth"), cred: alice, verdict: loginFailed, want: "RegistryUnavailable backoff 0s"}
	tests := map[string][]step{
		"the sixth reference":  {sixth},
		"from another secret":  {{ref: tag("sixth"), cred: aliceElsewhere, verdict: pullable, want: "RegistryUnavailable backoff 0s"}},
		"the five references":  {failing[0], failing[4], sixth},
		"with another account": {{ref: tag("sixth"), cred: bob, verdict: pullable, want: "Pullable registry"}},
		"anonymously":          {{ref: tag("sixth"), cred: anonymous, verdict: pullable, want: "Pullable registry"}},
		"at another registry":  {{ref: otherTag("sixth"), cred: alice, verdict: pullable, want: "Pullable registry"}},
		"after the lockout period": {
			{after: 29 * time.Second, ref: tag("sixth"), cred: alice, verdict: pullable, want: "RegistryUnavailable backoff 29s"},
			{after: time.Second, ref: tag("sixth"), cred: alice, verdict: pullable, want: "Pullable registry"},
		},
		"after the lockout period of all but one": {
			{after: 20 * time.Second, ref: tag("4"), cred: alice, verdict: loginFailed, want: "AccessDenied registry"},
			{after: 11 * time.Second, ref: tag("sixth"), cred: alice, verdict: pullable, want: "Pullable registry"},
		},
		"after a successful login": {
			{ref: tag("0"), cred: alice, verdict: denied, want: "AccessDenied registry"},
			{ref: tag("sixth"), cred: alice, verdict: pullable, want: "Pullable registry"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSteps(t, append(failing[:5:5], steps...), backoffOnly)
		})
	}
}

func TestLockoutDetailCountsTheReferences(t *testing.T) {
	t.Parallel()
	r := newResolver(t, &fakeRegistry{verdict: loginFailed}, backoffOnly(newFakeClock()))
	for i := range maxLoginFailures {
		r.Resolve(t.Context(), tag(fmt.Sprint(i)), alice)
	}
	v := r.Resolve(t.Context(), tag("sixth"), alice)
	if want := "no request sent: the credential from secret/shop/alice is refused for 5 other images"; v.Detail != want {
		t.Errorf("detail = %q, want %q", v.Detail, want)
	}
}
