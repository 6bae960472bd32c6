package resolve

import (
	"context"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

const (
	// slowAttempt is the time from which an attempt counts as slow. With a new token it takes three requests.
	slowAttempt = time.Second
	// leastPatience and patienceFactor make the time that a caller with a known image waits for a registry: see patience.
	leastPatience  = 150 * time.Millisecond
	patienceFactor = 4
)

// slowRegistries holds the last attempt at each registry, for each namespace by its own attempts. While the registry is slow or
// down, Resolve serves a pullable verdict past its TTL, within maxStale, and refreshes it in the background.
type slowRegistries struct {
	clock    clock.PassiveClock
	attempts *ttlcache.Cache[key, lastAttempt]
}

// lastAttempt is the last attempt at a registry.
type lastAttempt struct {
	isSlow bool // or failed
	took   time.Duration
}

func newSlowRegistries(c clock.PassiveClock) slowRegistries {
	return slowRegistries{c, newBounded[lastAttempt](c)}
}

// measure returns the verdict of one attempt, and records its time and whether it was slow or failed.
func (s slowRegistries) measure(ctx context.Context, k key, send func() imagepull.Verdict) imagepull.Verdict {
	start := s.clock.Now()
	v := send()
	took := s.clock.Now().Sub(start)
	switch {
	case v.Redirected:
	case v.Transient, registryTimedOut(ctx, v), took >= slowAttempt:
		s.add(k)
	case v.Outcome() != imagepull.Indeterminate:
		s.attempts.Put(k.ownHost(), lastAttempt{took: took}, ttlcache.Never())
	}
	return v
}

// add makes the registry count as slow until another attempt has ended.
func (s slowRegistries) add(k key) {
	s.attempts.Put(k.ownHost(), lastAttempt{isSlow: true}, ttlcache.Never())
}

// has reports whether the last attempt at the registry was slow or failed.
func (s slowRegistries) has(k key) bool {
	last, ok := s.attempts.Get(k.ownHost())
	return ok && last.isSlow
}

// patience returns how long a caller with a pullable verdict waits for the registry. That is several times as long as the last
// attempt took, since a registry is slow by its own measure first.
func (s slowRegistries) patience(k key) time.Duration {
	last, ok := s.attempts.Get(k.ownHost())
	if !ok || last.isSlow {
		return slowAttempt
	}
	return min(max(patienceFactor*last.took, leastPatience), slowAttempt)
}

// caused reports whether a lookup ended without a usable response because the registry is slow or down. It is not known of a caller
// with less time than the patience with the registry, and of a lookup that sent no request.
func (s slowRegistries) caused(k key, v imagepull.Verdict, waited, patience time.Duration) bool {
	switch v.Reason {
	case imagepull.ReasonDeadlineExceeded:
		return waited >= patience
	case imagepull.ReasonRegistryUnavailable:
		return s.has(k)
	default:
		return false
	}
}
