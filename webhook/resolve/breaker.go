package resolve

import (
	"context"
	"errors"
	"sync"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// maxRegistries bounds the circuits, because pod authors control the hosts. An evicted circuit costs a few more attempts.
const maxRegistries = 1024

// breakerThreshold is the number of references in a row without a usable response that opens a circuit. One reference may be
// broken by itself.
const breakerThreshold = 3

// Breaker is a circuit breaker with one circuit for each registry. Several Resolvers may share it.
//
// A circuit opens with the third reference in a row that gets no usable response. Retry-After opens it immediately, for that
// time. While it is open, requests get the last failure with its age, as an indeterminate verdict that is not transient.
// After the delay the circuit is half-open: one attempt is allowed, and other requests still get the last failure. A usable
// response closes the circuit.
//
// The Breaker counts attempts and not checks. A check that is under way when the circuit opens makes no further attempt.
type Breaker struct {
	clock clock.PassiveClock

	mu       sync.Mutex
	circuits *backoffEntries
}

// NewBreaker returns a Breaker whose circuits stay open for the delays of a Backoff.
func NewBreaker(b Backoff, c clock.PassiveClock) *Breaker {
	return &Breaker{clock: c, circuits: newBackoffEntries(b, c, maxRegistries, breakerThreshold)}
}

// do returns the verdict of one attempt, or the last failure if the circuit is open.
func (b *Breaker) do(ctx context.Context, k key, send func() imagepull.Verdict) imagepull.Verdict {
	a, v, open := b.begin(k)
	if open {
		return v
	}
	defer b.end(a)
	v = send()
	switch {
	case v.Transient, registryTimedOut(ctx, v):
		// A retry would meet an open circuit, so the verdict is then not transient.
		v.Transient = b.fail(a, v) && v.Transient
	case v.Outcome() != imagepull.Indeterminate:
		b.close(a)
	}
	return v
}

// registryTimedOut reports whether the registry did not respond before the deadline. DeadlineExceeded has other causes too,
// such as an image that is too large to check. A caller that gave up does not count against the registry.
func registryTimedOut(ctx context.Context, v imagepull.Verdict) bool {
	return v.Reason == imagepull.ReasonDeadlineExceeded && errors.Is(ctx.Err(), context.DeadlineExceeded)
}

// begin returns the last failure if the circuit is open. Otherwise it returns an attempt, and the caller must call end.
func (b *Breaker) begin(k key) (a *attempt, v imagepull.Verdict, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a = &attempt{key: k, start: b.clock.Now()}
	if v, open = a.blocked(b.circuits.get(k.registry())); !open {
		a.begin()
	}
	return a, v, open
}

// end ends an attempt.
func (b *Breaker) end(a *attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.end()
}

// fail records a failed attempt, and reports whether the circuit allows another one after Retry-After.
func (b *Breaker) fail(a *attempt, v imagepull.Verdict) (retry bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	return !b.circuits.fail(a, a.key.registry(), v, now).active(now.Add(v.RetryAfter))
}

// close closes the circuit.
func (b *Breaker) close(a *attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.circuits.delete(a.key.registry())
}

// addBackingOff adds the domains of the registries whose circuit is open.
func (b *Breaker) addBackingOff(domains map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.circuits.addActive(domains)
}
