package preflight

import (
	"context"
	"slices"

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

// confirming is a Resolver that confirms each verdict.
type confirming struct{ Resolver }

func (c confirming) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return c.Confirm(ctx, ref, cred)
}

// unconfirmed returns the denials that depend on a response of a registry, and that no second response has confirmed.
func unconfirmed(findings []imagepull.Finding, open []int) []int {
	return slices.DeleteFunc(slices.Clone(open), func(i int) bool {
		v := findings[i].Verdict
		return v.Outcome() != imagepull.Unpullable || v.Origin == "" || v.Confirmed
	})
}
