package resolve_test

import (
	"fmt"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/resolve"
)

// TestBackedOffLockout: a credential may fail to log in for five references, which go on to be asked; a sixth is doubt.
func TestBackedOffLockout(t *testing.T) {
	t.Parallel()
	var failing []step
	for i := range 5 {
		failing = append(failing, step{ref: tag(fmt.Sprint(i)), cred: alice, says: loginFailed, want: "AccessDenied registry"})
	}
	locked := step{ref: tag("sixth"), cred: alice, says: loginFailed, want: "RegistryUnavailable backoff 0s"}
	tests := map[string][]step{
		"the sixth":              {locked},
		"from another place too": {{ref: tag("sixth"), cred: aliceAgain, says: pullable, want: "RegistryUnavailable backoff 0s"}},
		"those that are known":   {failing[0], failing[4], locked},
		"another account":        {{ref: tag("sixth"), cred: bob, says: pullable, want: "Pullable registry"}},
		"nobody":                 {{ref: tag("sixth"), cred: nobody, says: pullable, want: "Pullable registry"}},
		"another registry":       {{ref: elsewhere("sixth"), cred: alice, says: pullable, want: "Pullable registry"}},
		"a while later": {
			{after: 29 * time.Second, ref: tag("sixth"), cred: alice, says: pullable, want: "RegistryUnavailable backoff 29s"},
			{after: time.Second, ref: tag("sixth"), cred: alice, says: pullable, want: "Pullable registry"},
		},
		"after a login that succeeds": {
			{ref: tag("0"), cred: alice, says: denied, want: "AccessDenied registry"},
			{ref: tag("sixth"), cred: alice, says: pullable, want: "Pullable registry"},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, append(failing[:5:5], steps...), func(next resolve.Resolver, clock *clocktesting.FakeClock) resolve.Resolver {
				return resolve.NewBackedOff(next, backoff(), clock)
			})
		})
	}
}

func TestBackedOffLockoutDetail(t *testing.T) {
	t.Parallel()
	b := resolve.NewBackedOff(&site{says: loginFailed}, backoff(), clocktesting.NewFakeClock(time.Unix(1e9, 0)))
	for i := range 5 {
		b.Resolve(t.Context(), tag(fmt.Sprint(i)), alice)
	}
	v := b.Resolve(t.Context(), tag("sixth"), alice)
	if want := "not asked: the credential from secret/shop/alice is refused for 5 other images"; v.Detail != want {
		t.Errorf("detail = %q, want %q", v.Detail, want)
	}
}
