package resolve

import (
	"context"
	"errors"
	"sync"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Breaker is a circuit breaker for registries. Several Resolvers may share it.
//
// Each namespace has a circuit for each registry. It opens with the third reference of the namespace in a row that gets no usable
// response, because one reference may be broken by itself. Another circuit for the registry concerns all namespaces. It opens with
// the third reference in a row of at least two namespaces, so that one namespace alone closes a registry for itself only. A failure
// of a host to which the registry redirects counts for neither: the author of an image may choose that host.
//
// While a circuit is open, requests get the last failure, as an indeterminate verdict that is not transient. After the delay the
// circuit is half-open: one attempt is allowed, and other requests still get the last failure. A usable response closes the
// circuit.
//
// The Breaker counts attempts and not checks. A check that is under way when the circuit opens makes no further attempt.
type Breaker struct {
	clock clock.PassiveClock

	mu sync.Mutex
	// namespaces are the circuits of one namespace, and hosts the circuits of all.
	namespaces, hosts *delays
}

// NewBreaker returns a Breaker whose circuits stay open for the delays of a Backoff. The circuit of all namespaces stays open for
// half of MaxDelay at most. A namespace whose references keep failing is then not the only one that makes the attempts.
func NewBreaker(b Backoff, c clock.PassiveClock) *Breaker {
	forAll := b
	forAll.MaxDelay /= 2
	return &Breaker{
		clock:      c,
		namespaces: newDelays(b, c, threshold{references: 3, namespaces: 1}),
		hosts:      newDelays(forAll, c, threshold{references: 3, namespaces: 2}),
	}
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
	case v.Redirected:
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

// begin returns the last failure if a circuit is open. Otherwise it returns an attempt, and the caller must call end.
func (b *Breaker) begin(k key) (a *attempt, v imagepull.Verdict, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a = &attempt{key: k, start: b.clock.Now()}
	if v, open = a.blocked(b.namespaces.get(k.ownHost()), b.hosts.get(k.host())); !open {
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

// fail records a failed attempt, and reports whether the circuits allow another one after Retry-After.
func (b *Breaker) fail(a *attempt, v imagepull.Verdict) (retry bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	next := now.Add(v.RetryAfter)
	own, all := b.namespaces.fail(a, a.key.ownHost(), v, now), b.hosts.fail(a, a.key.host(), v, now)
	return !own.active(next) && !all.active(next)
}

// close closes the circuits of the namespace and of all.
func (b *Breaker) close(a *attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.namespaces.delete(a.key.ownHost())
	b.hosts.delete(a.key.host())
}

// addBackingOff adds the domains of the registries with an open circuit.
func (b *Breaker) addBackingOff(domains map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.namespaces.addActive(domains)
	b.hosts.addActive(domains)
}
