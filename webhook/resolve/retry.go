package resolve

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Retry configures the repetition of a request within one check. Attempt n+1 follows attempt n after InitialDelay ×
// Factor^(n-1), lengthened at random by up to the Jitter fraction, or after the registry's Retry-After if that is longer.
type Retry struct {
	InitialDelay time.Duration
	// Factor is 1 or more.
	Factor float64
	// Jitter is between 0 and 1.
	Jitter float64
	// MaxAttempts includes the first attempt.
	MaxAttempts int
}

// do calls send until its verdict is not transient, the attempts are used up, or the next one could not start before the
// context's deadline. It returns the last verdict. A rate limit is not transient: another request would make it worse.
func (r Retry) do(ctx context.Context, c clock.Clock, send func() imagepull.Verdict) imagepull.Verdict {
	delays := wait.Backoff{Duration: r.InitialDelay, Factor: r.Factor, Jitter: r.Jitter, Steps: r.MaxAttempts}
	for attempt := 1; ; attempt++ {
		v := send()
		if !v.Transient || attempt >= r.MaxAttempts {
			return v
		}
		if !sleep(ctx, c, max(delays.Step(), v.RetryAfter)) {
			return v
		}
	}
}

// sleep waits, and reports whether there is time for another attempt.
func sleep(ctx context.Context, c clock.Clock, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && !c.Now().Add(d).Before(deadline) {
		return false
	}
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}
