package resolve

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Retry says how one question is repeated. Attempt n+1 follows attempt n after InitialDelay × Factor^(n-1), lengthened at
// random by up to the Jitter fraction, or after the registry's own Retry-After if that is longer.
type Retry struct {
	InitialDelay time.Duration
	// Factor is 1 or more.
	Factor float64
	// Jitter is between 0 and 1.
	Jitter float64
	// MaxAttempts counts the first one too.
	MaxAttempts int
}

// Retried repeats questions whose answer is marked as transient. A rate limit is not: asking again makes it worse.
type Retried struct {
	next  Resolver
	retry Retry
	clock clock.Clock
}

var _ Resolver = (*Retried)(nil)

// NewRetried wraps next.
func NewRetried(next Resolver, retry Retry, c clock.Clock) *Retried {
	return &Retried{next: next, retry: retry, clock: c}
}

// Resolve asks until the verdict is not transient, the attempts are used up, or the next one could not begin before the
// context's deadline. The last verdict stands.
func (r *Retried) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	delays := wait.Backoff{
		Duration: r.retry.InitialDelay,
		Factor:   r.retry.Factor,
		Jitter:   r.retry.Jitter,
		Steps:    r.retry.MaxAttempts,
	}
	for attempt := 1; ; attempt++ {
		v := r.next.Resolve(ctx, ref, cred)
		if !v.Transient || attempt >= r.retry.MaxAttempts {
			return v
		}
		if !r.pause(ctx, max(delays.Step(), v.RetryAfter)) {
			return v
		}
	}
}

// pause waits, and reports whether there is time for another attempt.
func (r *Retried) pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && !r.clock.Now().Add(d).Before(deadline) {
		return false
	}
	timer := r.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}
