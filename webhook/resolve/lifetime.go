package resolve

import (
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Lifetimes say how long an answer is good for at most, counted from the moment of asking. Zero means not at all. Doubt is
// never remembered.
type Lifetimes struct {
	// Tag and Digest are for images that can be pulled, by how they are named.
	Tag, Digest time.Duration
	// Denied is for refused access, and NotFound for everything else that keeps an image from being pulled.
	NotFound, Denied time.Duration
}

// firstFailure is how long the first failure of a row holds.
const firstFailure = time.Second

// of returns the lifetime of a verdict, given what was remembered for the same question before.
//
// A failure may be mended a moment later, by a push or a permission, and whoever did that tries again at once. So the first
// one holds for a second, and each that follows on it twice as long as the one before, up to its lifetime: a person is
// answered afresh, and a controller that tries a hundred times a second is not let through. Only a failed login holds for
// its whole lifetime from the start, lest the account be locked.
func (l Lifetimes) of(ref imagepull.Reference, v imagepull.Verdict, before memo, asked time.Time) time.Duration {
	most := l.longest(ref, v)
	if v.Outcome() != imagepull.Unpullable || v.LoginFailed {
		return most
	}
	lifetime := firstFailure
	if before.verdict.Outcome() == imagepull.Unpullable && asked.Sub(before.asked) < before.lifetime+most {
		lifetime = max(firstFailure, 2*before.lifetime)
	}
	return min(lifetime, most)
}

func (l Lifetimes) longest(ref imagepull.Reference, v imagepull.Verdict) time.Duration {
	switch v.Outcome() {
	case imagepull.Pullable:
		if ref.Digest != "" {
			return l.Digest
		}
		return l.Tag
	case imagepull.Unpullable:
		if v.Reason == imagepull.ReasonAccessDenied {
			return l.Denied
		}
		return l.NotFound
	case imagepull.Indeterminate:
	}
	return 0
}
