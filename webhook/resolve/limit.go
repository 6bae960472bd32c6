package resolve

import (
	"context"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Limited asks no more questions at once than there are slots for.
type Limited struct {
	next  Resolver
	slots *Slots
}

var _ Resolver = (*Limited)(nil)

// NewLimited wraps next. Several may share the slots.
func NewLimited(next Resolver, s *Slots) *Limited { return &Limited{next, s} }

// Resolve waits for a slot until the context ends, which is then a doubt.
func (l *Limited) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	claim := claim{host: ref.Domain, tenant: tenantOf(ctx)}
	if !l.slots.acquire(ctx, claim) {
		return imagepull.Verdict{
			Reason:     imagepull.ReasonDeadlineExceeded,
			Detail:     "too many questions are waiting for registries",
			Credential: cred.Source,
		}
	}
	defer l.slots.release(claim)
	return l.next.Resolve(ctx, ref, cred)
}
