package resolve

import (
	"context"
	"errors"
	"sync"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// maxHosts bounds what is remembered of hosts, which are chosen by whoever may create pods. An entry that is pushed out costs
// a few more attempts.
const maxHosts = 1024

// hostPatience is for how many references in a row a registry gives no answer before it is taken to be down: one may be broken
// by itself.
const hostPatience = 3

// Circuits are what is known of registries that are down, one circuit for each. It opens with the third reference in a row
// for which there is no usable answer; or as soon as the registry says when to come back, and then until that moment. It
// closes with the first answer.
type Circuits struct {
	clock clock.PassiveClock

	mu    sync.Mutex
	hosts *rests
}

// NewCircuits returns circuits that stay open as long as the backoff says.
func NewCircuits(b Backoff, c clock.PassiveClock) *Circuits {
	return &Circuits{clock: c, hosts: newRests(maxHosts, hostPatience, b)}
}

// AddResting adds the domains of the registries that are left alone now.
func (c *Circuits) AddResting(domains map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts.addResting(domains, c.clock.Now())
}

// Breaker leaves alone a registry that is down, whatever is asked of it. It stands right before the registries, so that each
// attempt counts and not only what comes of a question: one under way when the circuit opens makes no further attempt.
//
// While the circuit is open, the last verdict is given with its age: always a doubt, and none that is worth a retry. When the
// rest is over, one attempt tries again, and the others go on to get the last verdict until it has an answer.
type Breaker struct {
	next     Resolver
	circuits *Circuits
}

var _ Resolver = (*Breaker)(nil)

// NewBreaker wraps next. Several may share the circuits.
func NewBreaker(next Resolver, c *Circuits) *Breaker { return &Breaker{next, c} }

// Resolve makes one attempt unless the circuit is open.
func (b *Breaker) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	a := attempt{key: key{ref: ref}, asked: b.circuits.clock.Now()}
	if v, open := b.circuits.begin(&a); open {
		v.Credential = cred.Source
		return v
	}
	defer b.circuits.end(&a)
	v := b.next.Resolve(ctx, ref, cred)
	switch {
	case v.Transient, overdue(ctx, v):
		// What leaves the circuit open is worth no retry either.
		v.Transient = b.circuits.fail(a, v) && v.Transient
	case v.Outcome() != imagepull.Indeterminate:
		b.circuits.forget(a)
	}
	return v
}

// overdue reports whether the time was over before there was an answer. There may be none for other causes, such as an
// image that is too large to look into; and a caller who gives up says nothing of the registry.
func overdue(ctx context.Context, v imagepull.Verdict) bool {
	return v.Reason == imagepull.ReasonDeadlineExceeded && errors.Is(ctx.Err(), context.DeadlineExceeded)
}

func (c *Circuits) begin(a *attempt) (v imagepull.Verdict, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, open = a.stopped(c.hosts.get(a.host())); !open {
		a.begin()
	}
	return v, open
}

func (c *Circuits) end(a *attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a.end()
}

// fail counts a failed attempt, and reports whether another one could be made: no sooner than the registry wants.
func (c *Circuits) fail(a attempt, v imagepull.Verdict) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	c.hosts.fail(a, a.host(), v, now)
	return !c.hosts.get(a.host()).lasts(now.Add(v.RetryAfter))
}

func (c *Circuits) forget(a attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts.forget(a.host())
}
