package resolve_test

import (
	"context"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// script answers with one verdict after the other, the last one for ever.
type script struct {
	verdicts []imagepull.Verdict
	asked    int
}

func (s *script) Resolve(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
	v := s.verdicts[min(s.asked, len(s.verdicts)-1)]
	s.asked++
	return v
}

var (
	pullable  = imagepull.Verdict{Reason: imagepull.ReasonPullable}
	notFound  = imagepull.Verdict{Reason: imagepull.ReasonNotFound}
	limited   = imagepull.Verdict{Reason: imagepull.ReasonRateLimited, RetryAfter: time.Second}
	transient = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Transient: true}
	dead      = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable}
)

func later(d time.Duration) imagepull.Verdict {
	v := transient
	v.RetryAfter = d
	return v
}

func TestRetried(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		verdicts  []imagepull.Verdict
		retry     resolve.Retry
		budget    time.Duration
		want      imagepull.Reason
		wantAsked int
		wantSlept time.Duration
	}{
		"a success is not repeated": {
			verdicts: []imagepull.Verdict{pullable}, retry: resolve.Retry{MaxAttempts: 5},
			want: imagepull.ReasonPullable, wantAsked: 1,
		},
		"a certain failure is not repeated": {
			verdicts: []imagepull.Verdict{notFound, pullable}, retry: resolve.Retry{MaxAttempts: 5},
			want: imagepull.ReasonNotFound, wantAsked: 1,
		},
		"a rate limit is never repeated": {
			verdicts: []imagepull.Verdict{limited, pullable}, retry: resolve.Retry{MaxAttempts: 5},
			want: imagepull.ReasonRateLimited, wantAsked: 1,
		},
		"an answer without hope is not repeated": {
			verdicts: []imagepull.Verdict{dead, pullable}, retry: resolve.Retry{MaxAttempts: 5},
			want: imagepull.ReasonRegistryUnavailable, wantAsked: 1,
		},
		"a passing fault is overcome": {
			verdicts: []imagepull.Verdict{transient, pullable},
			retry:    resolve.Retry{InitialDelay: 50 * time.Millisecond, Factor: 2, MaxAttempts: 2},
			want:     imagepull.ReasonPullable, wantAsked: 2, wantSlept: 50 * time.Millisecond,
		},
		"the delays grow by the factor": {
			verdicts: []imagepull.Verdict{transient},
			retry:    resolve.Retry{InitialDelay: 10 * time.Millisecond, Factor: 3, MaxAttempts: 4},
			want:     imagepull.ReasonRegistryUnavailable, wantAsked: 4, wantSlept: (10 + 30 + 90) * time.Millisecond,
		},
		"the last verdict stands after the last attempt": {
			verdicts: []imagepull.Verdict{transient, transient, pullable},
			retry:    resolve.Retry{InitialDelay: time.Millisecond, Factor: 1, MaxAttempts: 2},
			want:     imagepull.ReasonRegistryUnavailable, wantAsked: 2, wantSlept: time.Millisecond,
		},
		"one attempt means no retry": {
			verdicts: []imagepull.Verdict{transient, pullable}, retry: resolve.Retry{MaxAttempts: 1},
			want: imagepull.ReasonRegistryUnavailable, wantAsked: 1,
		},
		"Retry-After lengthens the delay": {
			verdicts: []imagepull.Verdict{later(2 * time.Second), pullable},
			retry:    resolve.Retry{InitialDelay: 50 * time.Millisecond, Factor: 2, MaxAttempts: 2},
			want:     imagepull.ReasonPullable, wantAsked: 2, wantSlept: 2 * time.Second,
		},
		"no attempt begins after the deadline": {
			verdicts: []imagepull.Verdict{transient, pullable},
			retry:    resolve.Retry{InitialDelay: 2 * time.Hour, Factor: 2, MaxAttempts: 2}, budget: time.Hour,
			want: imagepull.ReasonRegistryUnavailable, wantAsked: 1,
		},
		"a Retry-After beyond the deadline is not waited for": {
			verdicts: []imagepull.Verdict{later(2 * time.Hour), pullable},
			retry:    resolve.Retry{InitialDelay: time.Millisecond, Factor: 2, MaxAttempts: 2}, budget: time.Hour,
			want: imagepull.ReasonRegistryUnavailable, wantAsked: 1,
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
			s := &script{verdicts: tt.verdicts}
			got := resolve.NewRetried(s, tt.retry, clock).Resolve(ctx, imagepull.Reference{}, imagepull.Credential{})
			if got.Reason != tt.want || s.asked != tt.wantAsked || clock.slept != tt.wantSlept {
				t.Errorf("got %s after %d attempts and %v, want %s after %d and %v",
					got.Reason, s.asked, clock.slept, tt.want, tt.wantAsked, tt.wantSlept)
			}
		})
	}
}

func TestRetriedStopsWaitingWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &script{verdicts: []imagepull.Verdict{transient}}
	clock := clocktesting.NewFakeClock(time.Now())
	resolve.NewRetried(s, resolve.Retry{InitialDelay: time.Hour, Factor: 1, MaxAttempts: 2}, clock).
		Resolve(ctx, imagepull.Reference{}, imagepull.Credential{})
	if s.asked != 1 {
		t.Errorf("asked %d times after cancellation, want 1", s.asked)
	}
	if clock.HasWaiters() {
		t.Error("the timer is still running")
	}
}

func TestRetriedJitterStaysWithinItsFraction(t *testing.T) {
	t.Parallel()
	for range 100 {
		clock := &steppingClock{FakeClock: clocktesting.NewFakeClock(time.Now())}
		retry := resolve.Retry{InitialDelay: time.Second, Factor: 1, Jitter: 0.5, MaxAttempts: 2}
		resolve.NewRetried(&script{verdicts: []imagepull.Verdict{transient}}, retry, clock).
			Resolve(t.Context(), imagepull.Reference{}, imagepull.Credential{})
		if clock.slept < time.Second || clock.slept > 1500*time.Millisecond {
			t.Fatalf("waited %v, want between 1s and 1.5s", clock.slept)
		}
	}
}
