package preflight

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// confirm looks up the images of all denials again, with a second request for each response of a registry. It runs after all
// credentials and rules, so that only a denial costs a second request. A denial that is not confirmed becomes Indeterminate.
//
// The candidate nodes are selected again, since a node may have joined during the first lookups.
func (c *Checker) confirm(ctx context.Context, shared *podFacts, spec *corev1.PodSpec, findings []imagepull.Finding, open []int) {
	denied := unconfirmed(findings, open)
	if len(denied) == 0 {
		return
	}
	twice := *shared
	twice.candidates = c.candidates(spec)
	twice.images, twice.cache = confirming{shared.images}, nil
	if shared.manifests != nil {
		twice.manifests = confirming{shared.manifests}
	}
	if shared.contents != nil {
		twice.contents = confirming{shared.contents}
	}
	c.lookupAll(ctx, &twice, findings, denied)
	for _, i := range unconfirmed(findings, denied) {
		findings[i].Verdict = movedTag(findings[i].Verdict)
	}
}

// movedTag returns the verdict on an image whose two responses both deny it, but for different digests of its tag.
func movedTag(v imagepull.Verdict) imagepull.Verdict {
	v = replace(v, imagepull.ReasonRegistryUnavailable, "the registry's responses contradict each other: the tag has two digests")
	v.Fix = "try again"
	return v
}

// confirmTime is kept for the confirmation of a denial while the lookups of other images last.
const confirmTime = time.Second

// leavingConfirmTime returns a context for lookups, and a function to be called after a verdict that must be confirmed. Then the
// context ends confirmTime before the deadline of its parent, so that a registry that does not respond cannot prevent the denial of
// another image.
func leavingConfirmTime(parent context.Context) (ctx context.Context, denied func(), cancel context.CancelFunc) {
	ctx, cancel = context.WithCancel(parent)
	return ctx, sync.OnceFunc(func() {
		if deadline, bounded := parent.Deadline(); bounded {
			time.AfterFunc(time.Until(deadline)-confirmTime, cancel)
		}
	}), cancel
}

// needsConfirmation reports whether a verdict is a denial that depends on a response of a registry, without a second response.
func needsConfirmation(v imagepull.Verdict) bool {
	return v.Outcome() == imagepull.Unpullable && v.Origin != "" && !v.Confirmed
}

// confirming is a Resolver that confirms each verdict.
type confirming struct{ Resolver }

func (c confirming) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return c.Confirm(ctx, ref, cred)
}

// unconfirmed returns the denials that need a confirmation.
func unconfirmed(findings []imagepull.Finding, open []int) []int {
	return slices.DeleteFunc(slices.Clone(open), func(i int) bool { return !needsConfirmation(findings[i].Verdict) })
}
