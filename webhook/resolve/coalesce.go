package resolve

import (
	"context"
	"sync"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Coalesced asks one question at a time for each reference and credential: whoever asks the same meanwhile gets the same
// answer. The question is nobody's own. It runs until its own deadline, so that a caller who gives up takes nothing
// from the others, and the answer is there for the next one even if all have gone.
//
// A panic reaches everyone who waits, as a [Fault]; that of a question nobody waits for any more is met again by the next.
type Coalesced struct {
	next       Resolver
	timeout    time.Duration
	identities *identities

	mu      sync.Mutex
	flights map[key]*flight
}

var _ Resolver = (*Coalesced)(nil)

// flight is a question under way. What it brought may be read once it is done.
type flight struct {
	done    chan struct{}
	verdict imagepull.Verdict
	fault   *Fault
}

// NewCoalesced wraps next, and gives each question the timeout.
func NewCoalesced(next Resolver, timeout time.Duration) *Coalesced {
	return &Coalesced{next: next, timeout: timeout, identities: newIdentities(), flights: make(map[key]*flight)}
}

// Resolve waits for the answer, or until the context ends. A context that has ended already asks nothing.
func (c *Coalesced) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	if ctx.Err() != nil {
		return late(cred)
	}
	f := c.join(ctx, ref, cred)
	select {
	case <-ctx.Done():
		return late(cred)
	case <-f.done:
	}
	if f.fault != nil {
		panic(f.fault)
	}
	return f.verdict.For(cred)
}

// join returns the question under way, or sends one on its way.
func (c *Coalesced) join(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) *flight {
	k := c.identities.key(ref, cred)
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.flights[k]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		c.flights[k] = f
		go c.fly(context.WithoutCancel(ctx), f, k, cred)
	}
	return f
}

func (c *Coalesced) fly(ctx context.Context, f *flight, k key, cred imagepull.Credential) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	defer c.land(f, k)
	defer func() {
		if cause := recover(); cause != nil {
			f.fault = NewFault(cause)
		}
	}()
	f.verdict = c.next.Resolve(ctx, k.ref, cred)
}

func (c *Coalesced) land(f *flight, k key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flights, k)
	close(f.done)
}

// late is said to a caller whose time is over.
func late(cred imagepull.Credential) imagepull.Verdict {
	return imagepull.Verdict{
		Reason:     imagepull.ReasonDeadlineExceeded,
		Detail:     "the registry gave no answer in time",
		Credential: cred.Source,
	}
}
