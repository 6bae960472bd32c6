package resolve

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// Registries lock accounts after a number of failed logins. A denied pod sends far fewer than a pod that the kubelet starts.
const (
	// maxLoginFailures bounds how often a registry may refuse a credential during the lockout period, in requests for whatever
	// references. It is one denial with a password that the registry refuses itself, since each denial is confirmed, and two with
	// one that its token service refuses.
	maxLoginFailures = 10
	// maxRefusedLogins is how often a registry refuses a credential in one lookup, as on a node (see auth.Session).
	maxRefusedLogins = 4
)

// LoginFailures bounds how often a registry refuses a credential. Several Resolvers may share it, and all namespaces do, because
// the registry counts for all of them.
//
// A lookup starts only if the bound leaves room for its refusals, and for those of the lookup that confirms it. Otherwise it gets an
// indeterminate verdict: it sends no request, and the last denial is too old. The bound holds for lookups that follow each other.
// Lookups that start before any of them has ended do not count each other. One confirmation in the lockout period starts in any case,
// so that a pod with several images gets its denial.
type LoginFailures struct {
	lockout time.Duration
	clock   clock.PassiveClock
	keyer   *imagepull.CredentialKeyer // each Resolver has another one

	mu       sync.Mutex
	accounts *ttlcache.Cache[key, failedLogins]
}

// failedLogins are those of one account.
type failedLogins struct {
	// times has an element for each refused request.
	times []time.Time
	// confirmed is when a confirmation was last sent after a failure.
	confirmed time.Time
}

// NewLoginFailures returns a LoginFailures with a lockout period. Zero means no bound.
func NewLoginFailures(lockout time.Duration, c clock.PassiveClock) *LoginFailures {
	return &LoginFailures{
		lockout: lockout, clock: c, keyer: imagepull.NewCredentialKeyer(), accounts: newBounded[failedLogins](c, maxAccounts),
	}
}

// account returns the key of a credential at the registry of a reference, for all namespaces.
func (l *LoginFailures) account(ref imagepull.Reference, cred imagepull.Credential) key {
	return key{ref: ref, credential: l.keyer.Key(cred)}.account()
}

// recent returns the failures of an account within the lockout period. The caller holds the lock.
func (l *LoginFailures) recent(account key, now time.Time) failedLogins {
	f, _ := l.accounts.Get(account)
	f.times = slices.DeleteFunc(slices.Clone(f.times), func(at time.Time) bool { return now.Sub(at) >= l.lockout })
	return f
}

// blocked returns a verdict if the credential must not be sent for a denial. A denial takes two lookups, or one if this lookup
// confirms the verdict before it. The verdict does not show the number of failures, since it includes those of other namespaces.
func (l *LoginFailures) blocked(
	ref imagepull.Reference, cred imagepull.Credential, before imagepull.Verdict,
) (v imagepull.Verdict, blocked bool) {
	account := l.account(ref, cred)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	f := l.recent(account, now)
	confirms, lookups := before.Reason != "", 2
	if confirms {
		lookups = 1
	}
	switch {
	case len(f.times) == 0:
		return imagepull.Verdict{}, false
	case len(f.times)+lookups*maxRefusedLogins <= maxLoginFailures, confirms && now.Sub(f.confirmed) >= l.lockout:
		if confirms {
			f.confirmed = now
			l.accounts.Put(account, f, now.Add(l.lockout))
		}
		return imagepull.Verdict{}, false
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonRegistryUnavailable,
		Detail: fmt.Sprintf("no request sent: the credential from %s was refused several times within %s", cred.Source, l.lockout),
		Fix:    "renew the pull secret",
		Origin: imagepull.OriginBackoff,
		Age:    max(now.Sub(f.times[len(f.times)-1]), 0),
	}, true
}

// record adds the failed logins of a lookup. A login that succeeds deletes no failure, because the registry may count the failures
// of each repository.
func (l *LoginFailures) record(ref imagepull.Reference, cred imagepull.Credential, v imagepull.Verdict) {
	if v.RefusedLogins == 0 {
		return
	}
	account := l.account(ref, cred)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	f := l.recent(account, now)
	f.times = append(f.times, slices.Repeat([]time.Time{now}, v.RefusedLogins)...)
	l.accounts.Put(account, f, now.Add(l.lockout))
}
