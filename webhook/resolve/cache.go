package resolve

import (
	"context"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// CacheOptions configure a Cached. All but the functions are required.
type CacheOptions struct {
	// MaxEntries and MaxBytes bound what is remembered. The bytes are estimated.
	MaxEntries, MaxBytes int
	Lifetimes            Lifetimes
	Clock                clock.PassiveClock
	// RoutedSince returns since when a registry is asked where it is now, if that has changed. An answer from before does not
	// hold.
	RoutedSince func(domain string) time.Time
	// Observe is told whether a question of InFrontOf was answered from memory.
	Observe func(hit bool)
}

// Cached remembers answers, for each reference and credential on its own: what one account may pull says nothing of another,
// and a secret that changes is another account. Verdicts from memory are in the words for the credential that asks.
type Cached struct {
	next       Resolver
	identities *identities
	lifetimes  Lifetimes
	clock      clock.PassiveClock
	since      func(domain string) time.Time
	observe    func(hit bool)
	memory     *memory
}

var _ Resolver = (*Cached)(nil)

// NewCached wraps next, or returns an error if there is nothing to remember anything in.
func NewCached(next Resolver, o CacheOptions) (*Cached, error) {
	m, err := newMemory(o.MaxEntries, o.MaxBytes)
	if err != nil {
		return nil, err
	}
	if o.Observe == nil {
		o.Observe = func(bool) {}
	}
	if o.RoutedSince == nil {
		o.RoutedSince = func(string) time.Time { return time.Time{} }
	}
	return &Cached{
		next: next, identities: newIdentities(), lifetimes: o.Lifetimes, clock: o.Clock, since: o.RoutedSince, observe: o.Observe,
		memory: m,
	}, nil
}

// Resolve answers from memory, or asks and remembers the answer.
func (c *Cached) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	k := c.identities.key(ref, cred)
	before := c.memory.get(k)
	if v, ok := c.recall(k, before, cred); ok {
		return v
	}
	asked := c.clock.Now()
	v := c.next.Resolve(ctx, ref, cred)
	if v.Origin != imagepull.OriginBackoff {
		c.remember(k, v, before, asked)
	}
	return v
}

func (c *Cached) recall(k key, m memo, cred imagepull.Credential) (imagepull.Verdict, bool) {
	age, holds := m.age(c.clock.Now())
	if !holds || m.asked.Before(c.since(k.ref.Domain)) {
		return imagepull.Verdict{}, false
	}
	v := m.verdict.For(cred)
	v.Origin, v.Age = imagepull.OriginCache, age
	return v, true
}

// remember keeps an answer for its lifetime. Doubt replaces nothing: what was known may still tell how a row of failures
// goes on, and answers nobody beyond its own lifetime.
func (c *Cached) remember(k key, v imagepull.Verdict, before memo, asked time.Time) {
	if v.Outcome() == imagepull.Indeterminate {
		return
	}
	lifetime := c.lifetimes.of(k.ref, v, before, asked)
	if lifetime <= 0 {
		c.memory.forget(k)
		return
	}
	c.memory.put(k, memo{verdict: v, asked: asked, lifetime: lifetime})
}

// Len returns how many answers are kept, whether they still hold or not.
func (c *Cached) Len() int { return c.memory.len() }

// InFrontOf returns a Resolver that answers from c's memory and leaves the rest to next, which leads to c: so that a known
// answer waits for nothing that stands between, and one that comes after everybody has given up is remembered all the same.
func (c *Cached) InFrontOf(next Resolver) *Front { return &Front{c, next} }

// Front is the face of a memory with something between it and what asks.
type Front struct {
	cached *Cached
	next   Resolver
}

var _ Resolver = (*Front)(nil)

// Resolve answers from memory, or waits for the answer.
func (f *Front) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	v, hit := f.lookUp(ref, cred)
	f.cached.observe(hit)
	if hit {
		return v
	}
	return f.next.Resolve(ctx, ref, cred)
}

// Recall returns the answer if it is in memory. Whoever gets none may ask for it still.
func (f *Front) Recall(ref imagepull.Reference, cred imagepull.Credential) (v imagepull.Verdict, known bool) {
	if v, known = f.lookUp(ref, cred); known {
		f.cached.observe(true)
	}
	return v, known
}

func (f *Front) lookUp(ref imagepull.Reference, cred imagepull.Credential) (imagepull.Verdict, bool) {
	k := f.cached.identities.key(ref, cred)
	return f.cached.recall(k, f.cached.memory.get(k), cred)
}
