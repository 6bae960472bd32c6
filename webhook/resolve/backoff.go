package resolve

import (
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Backoff configures the delay between checks after failures. The delay after failure n is InitialDelay × Factor^(n-1) or
// the registry's Retry-After, whichever is longer, and at most MaxDelay. A [Breaker] counts from the failure that opens the
// circuit. A registry that responds again is therefore used after MaxDelay at the latest.
type Backoff struct {
	InitialDelay time.Duration
	// Factor is 1 or more.
	Factor   float64
	MaxDelay time.Duration
	// Jitter is the fraction by which a delay is lengthened at random, so that replicas do not send requests in step.
	Jitter float64
}

// backoffPolicy blocks requests of a namespace after its own failures:
//   - for a reference and credential whose verdict was RateLimited, RegistryUnavailable, NotARegistry, InsecureRegistry or
//     DeadlineExceeded;
//   - for an account whose rate limit at a registry was exceeded.
//
// A blocked request gets the last failure. These verdicts are all indeterminate, so that an outdated failure denies no pod. After
// the delay one attempt is allowed, while other requests still get the last failure. The first certain verdict ends the delay.
//
// A certain failure starts no backoff: the cache bounds its requests, and the registry client those with a wrong credential. The
// [Breaker] handles a registry that is down.
type backoffPolicy struct {
	clock clock.PassiveClock

	mu         sync.Mutex
	accounts   *delays
	references *delays
}

func newBackoffPolicy(b Backoff, c clock.PassiveClock) *backoffPolicy {
	one := threshold{references: 1, namespaces: 1}
	return &backoffPolicy{
		clock: c, accounts: newDelays(b, c, one), references: newDelays(b, c, one),
	}
}

// begin returns the verdict for a blocked request. Otherwise it returns an attempt, and the caller must call end.
func (b *backoffPolicy) begin(k key) (a *attempt, v imagepull.Verdict, blocked bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a = &attempt{key: k, start: b.clock.Now()}
	v, blocked = a.blocked(b.accounts.get(k.account()), b.references.get(k))
	if !blocked {
		a.begin()
	}
	return a, v, blocked
}

// end ends an attempt.
func (b *backoffPolicy) end(a *attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.end()
}

// record updates the delays with the verdict of an attempt. Only an attempt that sent a request counts. A host to which the
// registry redirected does not know its accounts.
func (b *backoffPolicy) record(a *attempt, v imagepull.Verdict) {
	if v.Origin != imagepull.OriginRegistry {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	switch v.Reason {
	case imagepull.ReasonRateLimited:
		if !v.Redirected {
			b.accounts.fail(a, a.key.account(), v, now)
		}
		b.references.fail(a, a.key, v, now)
	case imagepull.ReasonRegistryUnavailable, imagepull.ReasonDeadlineExceeded, imagepull.ReasonNotARegistry,
		imagepull.ReasonInsecureRegistry:
		b.references.fail(a, a.key, v, now)
	default:
		if v.Outcome() != imagepull.Indeterminate { // the other indeterminate verdicts come without a request
			b.succeed(a, v)
		}
	}
}

// succeed deletes the delays that a certain verdict disproves.
func (b *backoffPolicy) succeed(a *attempt, v imagepull.Verdict) {
	b.references.delete(a.key)
	if !v.LoginFailed {
		b.accounts.delete(a.key.account())
	}
}

// addBackingOff adds the domains of the registries where an account is backing off.
func (b *backoffPolicy) addBackingOff(domains map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accounts.addActive(domains)
}
