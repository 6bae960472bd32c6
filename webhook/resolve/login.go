package resolve

import (
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// maxLogins is for how many references a credential may fail to log in within the time that is given. Registries that lock
// accounts do so after five failures or more, and a denied pod fails far less often than one that the kubelet starts.
const maxLogins = 5

// logins are the failed ones of each account, by reference. To a sixth reference no verdict is given but doubt: not every
// registry means by 401 that the credential is wrong for all of them.
type logins struct {
	within time.Duration
	failed *simplelru.LRU[key, []failedLogin]
}

type failedLogin struct {
	ref imagepull.Reference
	at  time.Time
}

func newLogins(size int, within time.Duration) *logins {
	return &logins{within: within, failed: newLRU[[]failedLogin](size)}
}

// recent returns the failures that count now.
func (l *logins) recent(account key, now time.Time) []failedLogin {
	all, _ := l.failed.Get(account)
	return slices.DeleteFunc(slices.Clone(all), func(f failedLogin) bool { return now.Sub(f.at) >= l.within })
}

// refuse keeps a credential from being shown for one reference more. Those that it failed for already are asked as often
// as the answers to them hold.
func (l *logins) refuse(account key, ref imagepull.Reference, now time.Time, cred imagepull.Credential) (imagepull.Verdict, bool) {
	failed := l.recent(account, now)
	known := slices.ContainsFunc(failed, func(f failedLogin) bool { return f.ref == ref })
	if len(failed) < maxLogins || known {
		return imagepull.Verdict{}, false
	}
	latest := failed[len(failed)-1].at
	return imagepull.Verdict{
		Reason: imagepull.ReasonRegistryUnavailable,
		Detail: fmt.Sprintf("not asked: the credential from %s is refused for %d other images", cred.Source, len(failed)),
		Fix:    "renew the pull secret",
		Origin: imagepull.OriginBackoff,
		Age:    max(now.Sub(latest), 0),
	}, true
}

func (l *logins) fail(account key, ref imagepull.Reference, now time.Time) {
	failed := slices.DeleteFunc(l.recent(account, now), func(f failedLogin) bool { return f.ref == ref })
	l.failed.Add(account, append(failed, failedLogin{ref, now}))
}

func (l *logins) forget(account key) { l.failed.Remove(account) }
