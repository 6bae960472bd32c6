package resolve

import (
	"context"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		verdicts     []imagepull.Verdict
		retry        Retry
		budget       time.Duration
		want         imagepull.Reason
		wantRequests int
		wantSlept    time.Duration
	}{
		"a success is not repeated": {
			verdicts: []imagepull.Verdict{pullable}, retry: Retry{MaxAttempts: 5},
			want: imagepull.ReasonPullable, wantRequests: 1,
		},
		"a certain failure is not repeated": {
			verdicts: []imagepull.Verdict{notFound, pullable}, retry: Retry{MaxAttempts: 5},
			want: imagepull.ReasonNotFound, wantRequests: 1,
		},
		"a rate limit is not repeated": {
			verdicts: []imagepull.Verdict{rateLimited, pullable}, retry: Retry{MaxAttempts: 5},
			want: imagepull.ReasonRateLimited, wantRequests: 1,
		},
		"a failure that is not transient is not repeated": {
			verdicts: []imagepull.Verdict{lasting, pullable}, retry: Retry{MaxAttempts: 5},
			want: imagepull.ReasonRegistryUnavailable, wantRequests: 1,
		},
		"a transient failure is repeated": {
			verdicts: []imagepull.Verdict{transient, pullable},
			retry:    Retry{InitialDelay: 50 * time.Millisecond, Factor: 2, MaxAttempts: 2},
			want:     imagepull.ReasonPullable, wantRequests: 2, wantSlept: 50 * time.Millisecond,
		},
		"the delays grow by the factor": {
			verdicts: []imagepull.Verdict{transient},
			retry:    Retry{InitialDelay: 10 * time.Millisecond, Factor: 3, MaxAttempts: 4},
			want:     imagepull.ReasonRegistryUnavailable, wantRequests: 4, wantSlept: (10 + 30 + 90) * time.Millisecond,
		},
		"the last verdict is returned": {
			verdicts: []imagepull.Verdict{transient, transient, pullable},
			retry:    Retry{InitialDelay: time.Millisecond, Factor: 1, MaxAttempts: 2},
			want:     imagepull.ReasonRegistryUnavailable, wantRequests: 2, wantSlept: time.Millisecond,
		},
		"one attempt means no retry": {
			verdicts: []imagepull.Verdict{transient, pullable}, retry: Retry{MaxAttempts: 1},
			want: imagepull.ReasonRegistryUnavailable, wantRequests: 1,
		},
		"Retry-After lengthens the delay": {
			verdicts: []imagepull.Verdict{withRetryAfter(transient, 2*time.Second), pullable},
			retry:    Retry{InitialDelay: 50 * time.Millisecond, Factor: 2, MaxAttempts: 2},
			want:     imagepull.ReasonPullable, wantRequests: 2, wantSlept: 2 * time.Second,
		},
		"no attempt starts after the deadline": {
			verdicts: []imagepull.Verdict{transient, pullable},
			retry:    Retry{InitialDelay: 2 * time.Hour, Factor: 2, MaxAttempts: 2}, budget: time.Hour,
			want: imagepull.ReasonRegistryUnavailable, wantRequests: 1,
		},
		"there is no wait for a Retry-After beyond the deadline": {
			verdicts: []imagepull.Verdict{withRetryAfter(transient, 2*time.Hour), pullable},
			retry:    Retry{InitialDelay: time.Millisecond, Factor: 2, MaxAttempts: 2}, budget: time.Hour,
			want: imagepull.ReasonRegistryUnavailable, wantRequests: 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			clock := &steppingClock{FakeClock: clocktesting.NewFakeClock(time.Now())}
			if tt.budget != 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, clock.Now().Add(tt.budget))
				defer cancel()
			}
			registry := &scriptedRegistry{verdicts: tt.verdicts}
			got := tt.retry.do(ctx, clock, registry.send)
			if got.Reason != tt.want || registry.requests != tt.wantRequests || clock.slept != tt.wantSlept {
				t.Errorf("got %s after %d requests and %v, want %s after %d and %v",
					got.Reason, registry.requests, clock.slept, tt.want, tt.wantRequests, tt.wantSlept)
			}
		})
	}
}

func TestRetryStopsWaitingWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	registry := &scriptedRegistry{verdicts: []imagepull.Verdict{transient}}
	clock := clocktesting.NewFakeClock(time.Now())
	Retry{InitialDelay: time.Hour, Factor: 1, MaxAttempts: 2}.do(ctx, clock, registry.send)
	if registry.requests != 1 {
		t.Errorf("%d requests after cancellation, want 1", registry.requests)
	}
	if clock.HasWaiters() {
		t.Error("the timer is still running")
	}
}

func TestRetryJitterStaysWithinItsFraction(t *testing.T) {
	t.Parallel()
	for range 100 {
		clock := &steppingClock{FakeClock: clocktesting.NewFakeClock(time.Now())}
		registry := &scriptedRegistry{verdicts: []imagepull.Verdict{transient}}
		Retry{InitialDelay: time.Second, Factor: 1, Jitter: 0.5, MaxAttempts: 2}.do(t.Context(), clock, registry.send)
		if clock.slept < time.Second || clock.slept > 1500*time.Millisecond {
			t.Fatalf("waited %v, want between 1s and 1.5s", clock.slept)
		}
	}
}
