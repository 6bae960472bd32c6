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
	// Denied applies to AccessDenied, NotFound to all other unpullable images. A push or a new permission may fix a failure at
	// any moment, and some controllers take a denial as final. So both should be a second or two: then a person gets a new
	// verdict, and a controller that tries a hundred times a second gets the cached one.
	NotFound, Denied time.Duration
}

// of returns the TTL of a verdict.
func (t TTLs) of(ref imagepull.Reference, v imagepull.Verdict) time.Duration {
	switch v.Outcome() {
	case imagepull.Pullable:
		if ref.Digest != "" {
			return t.Digest
		}
		return t.Tag
	case imagepull.Unpullable:
		return t.denial(v.Reason)
	case imagepull.Indeterminate:
	}
	return 0
}

// denial returns the longest time for which a verdict may deny a pod.
func (t TTLs) denial(reason imagepull.Reason) time.Duration {
	if reason == imagepull.ReasonAccessDenied {
		return t.Denied
	}
	return t.NotFound
}
