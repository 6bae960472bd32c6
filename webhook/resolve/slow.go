package resolve

import (
	"context"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// slowAttempt is the time from which an attempt counts as slow. With a new token it takes three requests.
const slowAttempt = time.Second

// slowRegistries holds the registries that are slow or down, for each namespace by its own last attempt. Resolve then serves a
// pullable verdict past its TTL, within maxStale, and refreshes it in the background.
type slowRegistries struct {
	clock   clock.PassiveClock
	entries *ttlcache.Cache[key, struct{}]
}

func newSlowRegistries(c clock.PassiveClock) slowRegistries {
	return slowRegistries{c, newBounded[struct{}](c)}
}

// measure returns the verdict of one attempt, and records whether it was slow or failed.
func (s slowRegistries) measure(ctx context.Context, k key, send func() imagepull.Verdict) imagepull.Verdict {
	start := s.clock.Now()
	v := send()
	switch {
	case v.Redirected:
	case v.Transient, registryTimedOut(ctx, v), s.clock.Now().Sub(start) >= slowAttempt:
		s.entries.Put(k.ownHost(), struct{}{}, ttlcache.Never())
	case v.Outcome() != imagepull.Indeterminate:
		s.entries.Delete(k.ownHost())
	}
	return v
}

// has reports whether the last attempt at the registry was slow or failed.
func (s slowRegistries) has(k key) bool {
	_, ok := s.entries.Get(k.ownHost())
	return ok
}

// caused reports whether a lookup ended without a usable response because the registry is slow or down. A caller that had no
// time, and a lookup that sent no request, show neither.
func (s slowRegistries) caused(k key, v imagepull.Verdict, waited time.Duration) bool {
	switch v.Reason {
	case imagepull.ReasonDeadlineExceeded:
		return waited >= slowAttempt
	case imagepull.ReasonRegistryUnavailable:
		return s.has(k)
	default:
		return false
	}
}
