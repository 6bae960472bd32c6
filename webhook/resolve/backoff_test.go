package resolve_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
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
		"one credential leaves the others alone": {
			{ref: tag("1"), cred: alice, says: transient, want: "RegistryUnavailable registry"},
			{ref: tag("1"), cred: bob, says: pullable, want: "Pullable registry"},
			{ref: tag("1"), cred: aliceAgain, says: pullable, want: "RegistryUnavailable backoff 0s"},
		},
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
			{ref: tag("3"), says: imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}, want: "DeadlineExceeded registry"},
			{after: 4 * time.Second, ref: tag("4"), cred: bob, says: pullable, want: "DeadlineExceeded backoff 4s"},
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
			{ref: tag("1"), says: pullable, want: "RegistryUnavailable backoff 0s"},
		},
		"what was never asked says nothing at all": {
			{ref: tag("1"), says: forbidden, want: "EgressForbidden registry"},
			{ref: tag("1"), says: pullable, want: "Pullable registry"},
		},
		"Retry-After speaks for the whole registry": {
			{ref: tag("1"), says: after(transient, time.Minute), want: "RegistryUnavailable registry"},
			{after: 59 * time.Second, ref: tag("2"), says: pullable, want: "RegistryUnavailable backoff 59s"},
			{after: time.Second, ref: tag("2"), says: pullable, want: "Pullable registry"},
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

func TestBackedOffDetail(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Unix(1e9, 0))
	down := imagepull.Verdict{
		Reason: imagepull.ReasonRegistryUnavailable, Detail: "connection refused", Transient: true, RetryAfter: 20 * time.Second,
	}
	b := resolve.NewBackedOff(&site{says: down}, backoff(), clock)
	b.Resolve(t.Context(), tag("1"), nobody)
	clock.Step(12 * time.Second)
	v := b.Resolve(t.Context(), tag("2"), alice)
	if want := "connection refused (asked 12s ago, again in 8s)"; v.Detail != want || v.Transient || v.Outcome() != imagepull.Indeterminate {
		t.Errorf("got %s %q, want a lasting doubt and %q", v.Outcome(), v.Detail, want)
	}
	if got := b.Resting(); got != 1 {
		t.Errorf("Resting() = %d, want 1", got)
	}
	clock.Step(8 * time.Second)
	if got := b.Resting(); got != 0 {
		t.Errorf("Resting() = %d after the rest, want 0", got)
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

// TestBackedOffProbe: after a rest one question tries again, and the others get what is known until it has an answer.
func TestBackedOffProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{site: site{says: after(transient, 10*time.Second)}}
		b := resolve.NewBackedOff(s, backoff(), clock.RealClock{})
		b.Resolve(t.Context(), tag("1"), nobody)
		time.Sleep(10 * time.Second)
		s.says, s.takes = pullable, time.Second
		probe := make(chan string)
		go func() { probe <- b.Resolve(t.Context(), tag("2"), nobody).Provenance() }()
		synctest.Wait()
		if v := b.Resolve(t.Context(), tag("3"), nobody); v.Provenance() != "backoff 10s" || v.Detail != " (asked 10s ago)" {
			t.Errorf("got %s %q during the probe, want backoff", v.Provenance(), v.Detail)
		}
		if got := <-probe; got != "registry" {
			t.Errorf("the probe got its verdict from %s, want the registry", got)
		}
		if got := b.Resolve(t.Context(), tag("3"), nobody).Provenance(); got != "registry" {
			t.Errorf("got a verdict from %s after the probe, want the registry", got)
		}
	})
}

// TestBackedOffProbeWithoutAnswer lets the next one try: whether it panics, or is kept from asking.
func TestBackedOffProbeWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, probe := range map[string]func() imagepull.Verdict{
		"panic":     func() imagepull.Verdict { panic("broken") },
		"not asked": func() imagepull.Verdict { return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, clock := &site{says: transient}, clocktesting.NewFakeClock(time.Unix(1e9, 0))
			next := s.Resolve
			b := resolve.NewBackedOff(resolverFunc(func(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
				return next(ctx, ref, cred)
			}), backoff(), clock)
			b.Resolve(t.Context(), tag("1"), nobody)
			clock.Step(10 * time.Second)
			next = func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict { return probe() }
			func() {
				defer func() { _ = recover() }()
				b.Resolve(t.Context(), tag("1"), nobody)
			}()
			next, s.says = s.Resolve, pullable
			if got := b.Resolve(t.Context(), tag("1"), nobody); got.Reason != imagepull.ReasonPullable {
				t.Errorf("reason = %s, want Pullable", got.Reason)
			}
		})
	}
}

// TestBackedOffCountsABurstOnce: what was under way when a registry went down fails for the same cause.
func TestBackedOffCountsABurstOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{site: site{says: transient}, takes: time.Second}
		b := resolve.NewBackedOff(s, backoff(), clock.RealClock{})
		done := make(chan struct{})
		for i := range 50 {
			go func() {
				b.Resolve(t.Context(), tag(fmt.Sprint(i)), nobody)
				done <- struct{}{}
			}()
		}
		for range 50 {
			<-done
		}
		time.Sleep(10 * time.Second)
		s.says = pullable
		if got := b.Resolve(t.Context(), tag("new"), nobody).Provenance(); got != "registry" {
			t.Errorf("the verdict is from %s ten seconds later, want the registry", got)
		}
	})
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

// TestBackedOffForgetsTheOldest, with as many hosts as a tenant can think of.
func TestBackedOffForgetsTheOldest(t *testing.T) {
	t.Parallel()
	s := &site{says: after(limited, time.Minute)}
	b := resolve.NewBackedOff(s, backoff(), clocktesting.NewFakeClock(time.Unix(1e9, 0)))
	for i := range 10000 {
		b.Resolve(t.Context(), imagepull.Reference{Domain: fmt.Sprint(i, ".example"), Path: "web", Tag: "1"}, nobody)
	}
	if got := b.Resting(); got != 4096 {
		t.Errorf("Resting() = %d, want 4096", got)
	}
}
