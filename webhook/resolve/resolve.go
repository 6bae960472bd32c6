// Package resolve limits the requests to registries. It caches verdicts, merges concurrent checks, bounds their number, and
// backs off after failures.
//
//	cache → single flight → limiter → cache again → backoff → retry → circuit breaker → Registry
//
// [Resolver.Resolve] shows this sequence. [Resolver.Confirm] sends a second request, for a verdict that would deny a pod. Each
// policy has a file of its own. All of them distinguish credentials by their [imagepull.CredentialKey], and none stores a
// credential.
//
// Requests and failures of one namespace do not change the verdicts of another. Namespaces share only pullable verdicts of the
// same reference and credential. The bound on refused passwords is theirs together (package auth). A circuit opens for all of them
// when a registry fails for several.
//
//	resolver, err := resolve.New(client, resolve.Options{…})
//	verdict := resolver.Resolve(ctx, ref, cred)
//	if … {
//		verdict = resolver.Confirm(ctx, ref, cred)
//	}
package resolve

import (
	"context"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Registry checks a reference with one credential at its registry. It always returns a verdict, an indeterminate one if the
// context ends first. It is safe for concurrent use.
type Registry interface {
	Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict
}

// Options configures a Resolver. All fields but Keyer and the functions are required. Two Resolvers that are made with the same
// Options share the Limiter and the Breaker, and have caches and backoffs of their own.
type Options struct {
	// MaxEntries and MaxBytes bound the cache. The bytes are estimated.
	MaxEntries, MaxBytes int
	TTLs                 TTLs
	Backoff              Backoff
	Retry                Retry
	Limiter              *Limiter
	Breaker              *Breaker
	// Timeout bounds one check. It should exceed the budget of the callers, so that a check still fills the cache after its
	// callers gave up.
	Timeout time.Duration
	Clock   clock.Clock
	// Keyer makes the keys of credentials in the cache and the backoffs; a new one when nil.
	Keyer *imagepull.CredentialKeyer
	// RoutedSince returns when the route to a registry last changed, for example by its hosts.toml. Earlier verdicts are not
	// fresh.
	RoutedSince func(domain string) time.Time
	// WithConfirmation returns a context for a request that confirms an earlier one: it uses a new connection. If nil, such a
	// request does not differ from others.
	WithConfirmation func(context.Context) context.Context
	// ObserveCache is called for each Resolve, and for each hit of Cached.
	ObserveCache func(hit bool)
}

// Resolver returns verdicts from its cache or from a registry. It is safe for concurrent use.
type Resolver struct {
	registry Registry
	keyer    *imagepull.CredentialKeyer
	cache    *cache
	// lookups, refreshes and confirmations are the checks under way. A refresh replaces an expired verdict in the background.
	lookups, refreshes, confirmations singleFlight
	failed                            *failedAttempts
	slow                              slowRegistries
	limiter                           *Limiter
	backoff                           *backoffPolicy
	retry                             Retry
	breaker                           *Breaker
	clock                             clock.Clock
	withConfirmation                  func(context.Context) context.Context
	observeCache                      func(hit bool)
}

// New returns a Resolver for a registry, or an error if MaxEntries is not positive.
func New(registry Registry, o Options) (*Resolver, error) {
	if o.Keyer == nil {
		o.Keyer = imagepull.NewCredentialKeyer()
	}
	if o.RoutedSince == nil {
		o.RoutedSince = func(string) time.Time { return time.Time{} }
	}
	if o.WithConfirmation == nil {
		o.WithConfirmation = func(ctx context.Context) context.Context { return ctx }
	}
	if o.ObserveCache == nil {
		o.ObserveCache = func(bool) {}
	}
	cache, err := newCache(o)
	if err != nil {
		return nil, err
	}
	failed := &failedAttempts{}
	return &Resolver{
		registry:         registry,
		keyer:            o.Keyer,
		cache:            cache,
		lookups:          singleFlight{timeout: o.Timeout, failed: failed},
		refreshes:        singleFlight{timeout: o.Timeout, failed: failed},
		confirmations:    singleFlight{timeout: o.Timeout, failed: failed},
		failed:           failed,
		slow:             newSlowRegistries(o.Clock),
		limiter:          o.Limiter,
		backoff:          newBackoffPolicy(o.Backoff, o.Clock),
		retry:            o.Retry,
		breaker:          o.Breaker,
		clock:            o.Clock,
		withConfirmation: o.WithConfirmation,
		observeCache:     o.ObserveCache,
	}, nil
}

// Resolve returns the verdict for a reference with one credential, at the latest when the context ends. While the registry is
// slow or down, it returns a pullable verdict after its TTL, too, within maxStale. It waits for a multiple of the registry's last response
// time to find that out, at most for slowAttempt, and not at all if the last attempt has shown it.
func (r *Resolver) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	k := r.key(ctx, ref, cred)
	if v, hit := r.cache.get(k, cred); hit {
		r.observeCache(true)
		return v
	}
	stale, isPullable := r.cache.stale(k, cred)
	if isPullable && r.slow.has(k) {
		r.observeCache(true)
		r.refresh(ctx, k, cred)
		return stale
	}
	r.observeCache(false)
	if !isPullable {
		return r.lookup(ctx, k, cred)
	}
	start, patience := r.clock.Now(), r.slow.patience(k)
	ctx, cancel := context.WithTimeout(ctx, patience) // the lookup goes on, and fills the cache
	defer cancel()
	v := r.lookup(ctx, k, cred)
	if r.slow.caused(k, v, r.clock.Now().Sub(start), patience) {
		r.slow.add(k) // the next callers do not wait
		return stale
	}
	return v
}

// lookup returns the verdict of a request, or of one that another check has sent in the meantime. If the registry has refused the
// credential a moment ago, the request repeats that one. The same response needs no further confirmation then, so that the password
// is sent once.
func (r *Resolver) lookup(ctx context.Context, k key, cred imagepull.Credential) imagepull.Verdict {
	return r.lookups.do(ctx, k, cred, func(ctx context.Context) imagepull.Verdict {
		refused, ok := r.cache.refusal(k)
		if ok {
			ctx = r.withConfirmation(ctx)
		}
		return r.request(ctx, k, cred, refused)
	})
}

// refresh looks up a reference in the background, and waits for nothing. It needs a slot that no other check needs now.
func (r *Resolver) refresh(ctx context.Context, k key, cred imagepull.Credential) {
	r.refreshes.start(ctx, k, func(ctx context.Context) imagepull.Verdict {
		release, ok := r.limiter.acquireIdle(ctx, k.ref.Domain)
		if !ok {
			return queueFullVerdict()
		}
		defer release()
		return r.send(ctx, k, cred, imagepull.Verdict{})
	})
}

// request waits for a slot, and returns the registry's verdict. The verdict is confirmed if the verdict before it is the same;
// the zero value stands for none.
func (r *Resolver) request(ctx context.Context, k key, cred imagepull.Credential, before imagepull.Verdict) imagepull.Verdict {
	release, ok := r.limiter.acquire(ctx, k.ref.Domain)
	if !ok {
		return queueFullVerdict()
	}
	defer release()
	return r.send(ctx, k, cred, before)
}

// send returns the registry's verdict, and caches it. The caller holds a slot. Cache and backoff are consulted again: another
// check may have ended, and a registry may have failed, while this one waited for its slot.
func (r *Resolver) send(ctx context.Context, k key, cred imagepull.Credential, before imagepull.Verdict) imagepull.Verdict {
	if v, hit := r.cache.get(k, cred); hit && (before.Reason == "" || v.Confirmed) {
		return v
	}
	attempt, v, blocked := r.backoff.begin(k)
	if blocked {
		return v
	}
	defer r.backoff.end(attempt)
	defer r.failed.delete(k)
	v = r.retry.do(ctx, r.clock, func() imagepull.Verdict {
		v := r.breaker.do(ctx, k, func() imagepull.Verdict {
			return r.slow.measure(ctx, k, func() imagepull.Verdict {
				return r.registry.Resolve(ctx, k.ref, cred)
			})
		})
		r.failed.put(k, v)
		return v
	})
	r.backoff.record(attempt, v)
	v.Confirmed = v.Confirmed || confirms(v, before)
	r.cache.put(k, v, attempt.start)
	return v
}

// Cached returns the verdict if it is cached and pullable. It never waits.
func (r *Resolver) Cached(ref imagepull.Reference, cred imagepull.Credential) (v imagepull.Verdict, ok bool) {
	v, fresh := r.cache.get(key{ref: ref, credential: r.keyer.Key(cred)}, cred)
	if !fresh || v.Outcome() != imagepull.Pullable {
		return imagepull.Verdict{}, false
	}
	r.observeCache(true)
	return v, true
}

// CacheEntries returns the number of cached verdicts, expired ones included.
func (r *Resolver) CacheEntries() int { return r.cache.entries.Len() }

// AddBackingOff adds the domains of the registries that get no requests now: the circuit is open, or an account is backing
// off.
func (r *Resolver) AddBackingOff(domains map[string]bool) {
	r.backoff.addBackingOff(domains)
	r.breaker.addBackingOff(domains)
}
