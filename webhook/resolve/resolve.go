// Package resolve holds what stands between a question and the registry that answers it, as decorators of one interface:
// each wraps a [Resolver] and is one. What a verdict means is none of their business; when to ask for it is.
//
// Think of a question on its way. [Cached] may know the answer, and [Coalesced] may have asked already. [Limited] makes it wait
// for its turn, [BackedOff] may find that it is better not asked again yet, [Retried] asks once more if that is worth it, and
// [Breaker] keeps each attempt from a registry that is down. All tell credentials apart by what a registry gets to see of
// them, and none keeps one beyond its question.
package resolve

import (
	"context"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Resolver says whether a reference could be pulled with one credential. It always gives a verdict; one that comes from a
// question cut short by its context is Indeterminate. Implementations are safe for concurrent use.
type Resolver interface {
	Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict
}
