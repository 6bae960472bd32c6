package resolve

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// breakerAndRetry returns Options with two attempts and a circuit breaker.
func breakerAndRetry(c clock.Clock) Options {
	o := breakerOnly(c)
	o.Retry = Retry{InitialDelay: 50 * time.Millisecond, Factor: 2, MaxAttempts: 2}
	return o
}

// TestBreakerCountsAttempts lets a registry go down. Eight checks then cost eight requests, and a half-open circuit one.
func TestBreakerCountsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &blockingRegistry{fakeRegistry: fakeRegistry{verdict: transient}, release: make(chan struct{})}
		clock := newFakeClock()
		r := newResolver(t, registry, breakerAndRetry(clock))
		got := make(chan string, 8)
		for i := range 8 {
			go func() { got <- r.Resolve(t.Context(), tag(fmt.Sprint(i)), anonymous).Provenance() }()
		}
		synctest.Wait()
		close(registry.release)
		synctest.Wait()
		clock.Step(time.Second)
		origins := map[string]int{}
		for range 8 {
			origins[<-got]++
		}
		// Two failed before the circuit opened, and waited for their second attempt.
		if diff := cmp.Diff(map[string]int{"registry": 6, "backoff 1s": 2}, origins); diff != "" || registry.requests != 8 {
			t.Errorf("%d requests, want 8; origins (-want +got):\n%s", registry.requests, diff)
		}
		clock.Step(10 * time.Second)
		if v := r.Resolve(t.Context(), tag("half-open"), anonymous); v.Provenance() != "registry" || registry.requests != 9 {
			t.Errorf("%d requests and a verdict from %s while half-open, want 9 and the registry", registry.requests, v.Provenance())
		}
	})
}

func TestBreakerAllowsRetriesWhileTheRegistryIsUp(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		verdicts     []imagepull.Verdict
		checks       int
		want         imagepull.Reason
		wantRequests int
	}{
		"a transient failure":                  {[]imagepull.Verdict{transient, pullable}, 1, imagepull.ReasonPullable, 2},
		"a transient failure with Retry-After": {[]imagepull.Verdict{withRetryAfter(transient, 2*time.Second), pullable}, 1, imagepull.ReasonPullable, 2},
		"a broken reference":                   {[]imagepull.Verdict{transient}, 5, imagepull.ReasonRegistryUnavailable, 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := &scriptedRegistry{}
			for _, v := range tt.verdicts {
				registry.verdicts = append(registry.verdicts, withOrigin(v, imagepull.OriginRegistry))
			}
			r := newResolver(t, registry, breakerAndRetry(&steppingClock{FakeClock: newFakeClock()}))
			for range tt.checks {
				if v := r.Resolve(t.Context(), tag("1"), anonymous); v.Reason != tt.want || v.Origin != imagepull.OriginRegistry {
					t.Errorf("got %s from %s, want %s from the registry", v.Reason, v.Provenance(), tt.want)
				}
			}
			if registry.requests != tt.wantRequests {
				t.Errorf("%d requests, want %d", registry.requests, tt.wantRequests)
			}
		})
	}
}
