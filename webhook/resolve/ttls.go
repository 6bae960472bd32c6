package resolve

import (
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TTLs bound how long verdicts are cached, counted from the start of the request. Zero disables caching. Indeterminate
// verdicts are never cached.
type TTLs struct {
	// Tag and Digest apply to pullable images, by the form of their reference.
	Tag, Digest time.Duration
	// Denied applies to AccessDenied, NotFound to all other unpullable images.
	NotFound, Denied time.Duration
}

// firstFailureTTL is the TTL of the first failure in a row.
const firstFailureTTL = time.Second

// of returns the TTL of a verdict. The previous entry of the same key may be the zero value.
//
// A push or a new permission may fix a failure at any moment, and its author then tries again immediately. So the first
// failure is cached for one second, and each further failure in a row twice as long, up to the maximum. A person gets a new
// verdict, and a controller that tries a hundred times a second gets the cached one. A failed login is cached for the
// maximum from the start, because registries lock accounts after several.
func (t TTLs) of(ref imagepull.Reference, v imagepull.Verdict, previous cacheEntry, start time.Time) time.Duration {
	longest := t.longest(ref, v)
	if v.Outcome() != imagepull.Unpullable || v.LoginFailed {
		return longest
	}
	ttl := firstFailureTTL
	if previous.verdict.Outcome() == imagepull.Unpullable && start.Sub(previous.start) < previous.ttl+longest {
		ttl = max(firstFailureTTL, 2*previous.ttl)
	}
	return min(ttl, longest)
}

// longest returns the configured TTL for a verdict.
func (t TTLs) longest(ref imagepull.Reference, v imagepull.Verdict) time.Duration {
	switch v.Outcome() {
	case imagepull.Pullable:
		if ref.Digest != "" {
			return t.Digest
		}
		return t.Tag
	case imagepull.Unpullable:
		if v.Reason == imagepull.ReasonAccessDenied {
			return t.Denied
		}
		return t.NotFound
	case imagepull.Indeterminate:
	}
	return 0
}
