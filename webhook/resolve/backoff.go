package resolve

import (
	"context"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Backoff says how long what keeps failing is left alone. The rest after failure n is InitialDelay × Factor^(n-1), but no more
// than MaxDelay; or the registry's own Retry-After if that is longer, within MaxDelay too.
type Backoff struct {
	InitialDelay time.Duration
	// Factor is 1 or more.
	Factor   float64
	MaxDelay time.Duration
	// Jitter is the fraction by which a rest is lengthened at random, so that replicas do not ask in step.
	Jitter float64
	// Lockout is the time in which a credential may fail to log in for a few references only. Zero means no limit.
	Lockout time.Duration
}

// Bounds of what is remembered of failures. References are chosen by whoever may create pods; an entry that is pushed out
// costs one more question.
const (
	maxAccounts   = 4096
	maxReferences = 4096
)

// BackedOff leaves alone what fails, in two places of their own:
//   - a reference, for one credential, that brings doubt;
//   - an account at a registry, where that limits the rate of requests.
//
// While one of them rests, the last verdict is given with its age, and nothing is asked. All of these are doubts, so that
// nobody is refused by what was true a while ago. Then one question tries again, while the others go on to get the last
// verdict, and the first answer ends it. That an image is certain to fail is an answer like any other; how long that
// holds is for [Cached] to say, and that a whole registry is down for [Breaker].
//
// A credential that fails to log in is the exception: it is not shown for ever new references, since accounts get locked
// that way.
type BackedOff struct {
	next       Resolver
	clock      clock.PassiveClock
	identities *identities

	mu         sync.Mutex
	accounts   *rests
	references *rests
	logins     *logins
}

var _ Resolver = (*BackedOff)(nil)

// NewBackedOff wraps next.
func NewBackedOff(next Resolver, b Backoff, c clock.PassiveClock) *BackedOff {
	return &BackedOff{
		next: next, clock: c, identities: newIdentities(),
		accounts:   newRests(maxAccounts, 1, b),
		references: newRests(maxReferences, 1, b),
		logins:     newLogins(maxAccounts, b.Lockout),
	}
}

// Resolve asks unless something rests.
func (b *BackedOff) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	a := attempt{key: b.identities.key(ref, cred), asked: b.clock.Now()}
	if v, resting := b.begin(&a, cred); resting {
		v.Credential = cred.Source
		return v
	}
	defer b.end(&a)
	v := b.next.Resolve(ctx, ref, cred)
	b.learn(a, v)
	return v
}

// begin returns the verdict from memory if something rests, or else makes the question the one that tries again.
func (b *BackedOff) begin(a *attempt, cred imagepull.Credential) (v imagepull.Verdict, resting bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, resting = a.stopped(b.accounts.get(a.account()), b.references.get(a.key)); resting {
		return v, true
	}
	if v, resting = b.logins.refuse(a.account(), a.key.ref, a.asked, cred); resting {
		return v, true
	}
	a.begin()
	return imagepull.Verdict{}, false
}

// end lets others try, whatever came of the question.
func (b *BackedOff) end(a *attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.end()
}

// learn draws from a verdict what rests. Only what a registry said counts, or that it said nothing.
func (b *BackedOff) learn(a attempt, v imagepull.Verdict) {
	if v.Origin != imagepull.OriginRegistry {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	switch v.Reason {
	case imagepull.ReasonRateLimited:
		b.accounts.fail(a, a.account(), v, now)
		b.references.fail(a, a.key, v, now)
	case imagepull.ReasonRegistryUnavailable, imagepull.ReasonDeadlineExceeded:
		b.references.fail(a, a.key, v, now)
	default:
		if v.Outcome() != imagepull.Indeterminate { // where nothing was asked
			b.forget(a, v, now)
		}
	}
}

// forget ends what a certain answer disproves.
func (b *BackedOff) forget(a attempt, v imagepull.Verdict, now time.Time) {
	b.references.forget(a.key)
	if v.LoginFailed {
		b.logins.fail(a.account(), a.key.ref, now)
		return
	}
	b.accounts.forget(a.account())
	b.logins.forget(a.account())
}

// AddResting adds the domains of the registries that are left alone by one account or more now.
func (b *BackedOff) AddResting(domains map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accounts.addResting(domains, b.clock.Now())
}
