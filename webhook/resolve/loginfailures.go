package resolve

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// maxLoginFailures bounds the references for which a credential may fail to log in during the lockout period. Registries
// that lock accounts do so after five failures or more, and a denied pod fails far less often than a pod that the kubelet
// starts.
const maxLoginFailures = 5

// loginFailures holds the failed logins of each account. The sixth reference gets an indeterminate verdict: for some registries
// a 401 does not mean that the credential is wrong for all references.
type loginFailures struct {
	lockout time.Duration
	entries *ttlcache.Cache[key, []loginFailure]
}

type loginFailure struct {
	ref imagepull.Reference
	at  time.Time
}

func newLoginFailures(lockout time.Duration, c clock.PassiveClock) *loginFailures {
	return &loginFailures{lockout: lockout, entries: newBounded[[]loginFailure](c, maxAccounts)}
}

// recent returns the failures of an account within the lockout period.
func (l *loginFailures) recent(account key, now time.Time) []loginFailure {
	all, _ := l.entries.Get(account)
	return slices.DeleteFunc(slices.Clone(all), func(f loginFailure) bool { return now.Sub(f.at) >= l.lockout })
}

// blocked returns a verdict if the credential must not be sent for one more reference. A reference whose login failed
// before is not blocked: the cache bounds its requests.
func (l *loginFailures) blocked(k key, cred imagepull.Credential, now time.Time) (v imagepull.Verdict, blocked bool) {
	failures := l.recent(k.account(), now)
	known := slices.ContainsFunc(failures, func(f loginFailure) bool { return f.ref == k.ref })
	if len(failures) < maxLoginFailures || known {
		return imagepull.Verdict{}, false
	}
	latest := failures[len(failures)-1].at
	return imagepull.Verdict{
		Reason: imagepull.ReasonRegistryUnavailable,
		Detail: fmt.Sprintf("no request sent: the credential from %s is refused for %d other images", cred.Source, len(failures)),
		Fix:    "renew the pull secret",
		Origin: imagepull.OriginBackoff,
		Age:    max(now.Sub(latest), 0),
	}, true
}

// record adds a failed login.
func (l *loginFailures) record(k key, now time.Time) {
	account := k.account()
	failures := slices.DeleteFunc(l.recent(account, now), func(f loginFailure) bool { return f.ref == k.ref })
	l.entries.Put(account, append(failures, loginFailure{k.ref, now}), now.Add(l.lockout))
}

func (l *loginFailures) delete(account key) { l.entries.Delete(account) }
