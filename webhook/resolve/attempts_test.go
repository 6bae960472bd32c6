package resolve_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// attempts returns what repeats questions, up to twice, in front of a breaker.
func attempts(next resolve.Resolver, c clock.Clock) resolve.Resolver {
	breaker := resolve.NewBreaker(next, resolve.NewCircuits(backoff(), c))
	return resolve.NewRetried(breaker, resolve.Retry{InitialDelay: 50 * time.Millisecond, Factor: 2, MaxAttempts: 2}, c)
}

// TestBreakerCountsAttempts: eight questions that meet a registry as it goes down cost eight requests, and a probe costs one.
func TestBreakerCountsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, clock := &held{site: site{says: transient}, release: make(chan struct{})}, clocktesting.NewFakeClock(time.Unix(1e9, 0))
		r := attempts(s, clock)
		got := make(chan string, 8)
		for i := range 8 {
			go func() { got <- r.Resolve(t.Context(), tag(fmt.Sprint(i)), nobody).Provenance() }()
		}
		synctest.Wait()
		close(s.release)
		synctest.Wait()
		clock.Step(time.Second)
		origins := map[string]int{}
		for range 8 {
			origins[<-got]++
		}
		// Two failed before the circuit opened, and were about to try again.
		if diff := cmp.Diff(map[string]int{"registry": 6, "backoff 1s": 2}, origins); diff != "" || s.asked != 8 {
			t.Errorf("%d requests, want 8; origins (-want +got):\n%s", s.asked, diff)
		}
		clock.Step(10 * time.Second)
		if v := r.Resolve(t.Context(), tag("probe"), nobody); v.Provenance() != "registry" || s.asked != 9 {
			t.Errorf("%d requests after a probe, whose verdict is from %s, want 9 and the registry", s.asked, v.Provenance())
		}
	})
}

// TestBreakerLeavesRetriesAlone as long as the registry is not down.
func TestBreakerLeavesRetriesAlone(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		verdicts  []imagepull.Verdict
		questions int
		want      imagepull.Reason
		wantAsked int
	}{
		"a passing fault":                 {[]imagepull.Verdict{transient, pullable}, 1, imagepull.ReasonPullable, 2},
		"a passing fault and Retry-After": {[]imagepull.Verdict{later(2 * time.Second), pullable}, 1, imagepull.ReasonPullable, 2},
		"a reference that is broken":      {[]imagepull.Verdict{transient}, 5, imagepull.ReasonRegistryUnavailable, 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{}
			for _, v := range tt.verdicts {
				v.Origin = imagepull.OriginRegistry
				s.verdicts = append(s.verdicts, v)
			}
			r := attempts(s, &steppingClock{FakeClock: clocktesting.NewFakeClock(time.Unix(1e9, 0))})
			for range tt.questions {
				if v := r.Resolve(t.Context(), tag("1"), nobody); v.Reason != tt.want || v.Origin != imagepull.OriginRegistry {
					t.Errorf("got %s from %s, want %s from the registry", v.Reason, v.Provenance(), tt.want)
				}
			}
			if s.asked != tt.wantAsked {
				t.Errorf("%d attempts, want %d", s.asked, tt.wantAsked)
			}
		})
	}
}
