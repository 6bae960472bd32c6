// Package resolve holds what stands between a question and the registry that answers it, as decorators of one interface:
// each wraps a [Resolver] and is one. What a verdict means is none of their business; when to ask for it is.
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
