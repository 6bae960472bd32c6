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

// maxLoginFailures bounds how often a credential may fail to log in at one registry during the lockout period, for whatever
// references. Registries lock accounts after a number of failures, and a denied pod fails far less often than a pod that the
// kubelet starts.
//
// Ten failures are five denials, since each is confirmed. A pod with eight images still gets one denial, and a controller that
// doubles its delay gets one for each attempt.
const maxLoginFailures = 10

// LoginFailures bounds how often a registry receives a credential that fails to log in. Several Resolvers may share it.
//
// When the bound is reached, a lookup gets an indeterminate verdict: it sends no request, and the last denial is too old.
type LoginFailures struct {
	lockout time.Duration
	clock   clock.PassiveClock
	keyer   *imagepull.CredentialKeyer // each Resolver has another one

	mu sync.Mutex
	// times are the times of the failed logins of each account.
	times *ttlcache.Cache[key, []time.Time]
}

// NewLoginFailures returns a LoginFailures with a lockout period. Zero means no bound.
func NewLoginFailures(lockout time.Duration, c clock.PassiveClock) *LoginFailures {
	return &LoginFailures{
		lockout: lockout, clock: c, keyer: imagepull.NewCredentialKeyer(), times: newBounded[[]time.Time](c),
	}
}

// account returns the key of a credential at the registry of a reference, for all namespaces.
func (l *LoginFailures) account(ref imagepull.Reference, cred imagepull.Credential) key {
	return key{ref: ref, credential: l.keyer.Key(cred)}.account()
}

// recent returns the failures of an account within the lockout period. The caller holds the lock.
func (l *LoginFailures) recent(account key, now time.Time) []time.Time {
	all, _ := l.times.Get(account)
	return slices.DeleteFunc(slices.Clone(all), func(at time.Time) bool { return now.Sub(at) >= l.lockout })
}

// blocked returns a verdict if the credential must not be sent for a denial. A denial takes two requests, or one if this request
// confirms the verdict before it. The verdict does not show the number of failures, since it includes failures of other namespaces.
func (l *LoginFailures) blocked(
	ref imagepull.Reference, cred imagepull.Credential, before imagepull.Verdict,
) (v imagepull.Verdict, blocked bool) {
	account := l.account(ref, cred)
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := 2
	if before.Reason != "" {
		requests = 1
	}
	now := l.clock.Now()
	failures := l.recent(account, now)
	if len(failures)+requests <= maxLoginFailures {
		return imagepull.Verdict{}, false
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonRegistryUnavailable,
		Detail: fmt.Sprintf("no request sent: the credential from %s was refused several times within %s", cred.Source, l.lockout),
		Fix:    "renew the pull secret",
		Origin: imagepull.OriginBackoff,
		Age:    max(now.Sub(failures[len(failures)-1]), 0),
	}, true
}

// record adds the verdict of a request, if the login failed. A login that succeeds deletes no failure, because the registry may
// count the failures of each repository.
func (l *LoginFailures) record(ref imagepull.Reference, cred imagepull.Credential, v imagepull.Verdict) {
	if !v.LoginFailed {
		return
	}
	account := l.account(ref, cred)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	l.times.Put(account, append(l.recent(account, now), now), now.Add(l.lockout))
}
