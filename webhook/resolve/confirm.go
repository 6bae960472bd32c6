package resolve

import (
	"context"
	"fmt"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// confirmDelay is the time between the two requests of a confirmed verdict. A registry of several servers may need a moment
// until all of them have an image or an account.
const confirmDelay = 300 * time.Millisecond

// Confirm returns the verdict for a reference with one credential that is about to deny a pod, at the latest when the context
// ends. It sends a second request on a new connection, confirmDelay after the one of the cached verdict:
//
//   - the same response: the verdict is Confirmed, and stays so as long as the cache may return a denial;
//   - another response: the verdict is RegistryUnavailable;
//   - no response, or no time for the request: the verdict is Indeterminate.
//
// Concurrent callers of the same key share the request. None is necessary for a digest that exists, because its content cannot
// change.
func (r *Resolver) Confirm(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	k := r.key(ctx, ref, cred)
	first, fresh := r.cache.get(k, cred)
	// A verdict that has just expired will do: its request took long, or another one did.
	if first.Reason == "" || !fresh && first.Age > r.lookups.timeout {
		first = r.lookup(ctx, k, cred)
	}
	switch {
	case first.Confirmed, first.Outcome() == imagepull.Indeterminate:
		return first
	case first.Outcome() == imagepull.Pullable && ref.Digest != "":
		first.Confirmed = true
		return first
	}
	v := r.confirmations.do(ctx, k, cred, func(ctx context.Context) imagepull.Verdict {
		if v, hit := r.cache.get(k, cred); hit && v.Confirmed { // another confirmation ended after the first lookup
			return v
		}
		if !sleep(ctx, r.clock, max(confirmDelay-first.Age, 0)) {
			return timeoutVerdict(cred)
		}
		second := r.request(r.withConfirmation(ctx), k, cred, first)
		if second.Outcome() != imagepull.Indeterminate && second.Reason != first.Reason {
			return contradiction(first, second)
		}
		return second
	})
	if v.Reason == imagepull.ReasonDeadlineExceeded {
		return unconfirmed(first, v)
	}
	return v
}

// confirms reports whether a verdict repeats the one before.
func confirms(v, before imagepull.Verdict) bool {
	return before.Reason != "" && v.Reason == before.Reason && v.Digest == before.Digest
}

// contradiction returns the verdict on two certain responses that differ. The kubelet tries again, and may get either.
func contradiction(first, second imagepull.Verdict) imagepull.Verdict {
	return imagepull.Verdict{
		Reason:     imagepull.ReasonRegistryUnavailable,
		Detail:     fmt.Sprintf("the registry's responses contradict each other: %s, then %s", first.Reason, second.Reason),
		Fix:        "try again, and check that all servers of the registry agree",
		Credential: second.Credential,
		Origin:     second.Origin,
	}
}

// unconfirmed adds the first response to the verdict of a second request that got none in time.
func unconfirmed(first, v imagepull.Verdict) imagepull.Verdict {
	v.Detail = "the registry's response could not be confirmed in time"
	if first.Detail != "" {
		v.Detail = first.Detail + ", but " + v.Detail
	}
	return v
}
