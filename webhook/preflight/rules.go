package preflight

import (
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// rule is one step from the registry's response to the kubelet's result. It returns the verdict unchanged, weakened or
// explained.
type rule struct {
	name  string
	apply func(imagepull.Verdict, facts) imagepull.Verdict
}

// referenceRules returns the rules whose result all uses of an image share.
//
// The order protects against false denials, since a rule reads the verdict that the rules above it left:
//
//  1. Unknown credentials. If a kubelet may have a credential that Pullgate did not try, a refusal becomes NodeCredentials. The
//     unreadable secret is first: its credential may change any verdict, not only a refusal.
//  2. Pull secret problems. They explain a denial, so they follow the rules that decide whether the denial is certain.
//  3. Platforms. With unknown credentials the nodes may get another index, so an index is compared with the nodes last.
func referenceRules() []rule {
	return []rule{
		{"unreadable pull secret", unreadableSecret},
		{"incomplete node credentials", incompleteNodeCredentials},
		{"node identity", nodeIdentity},
		{"pull secret problems", pullSecretProblems},
		{"platforms", platforms},
	}
}

// useRules returns the rules that depend on one use: on its pull policy, and on its place in the pod.
//
// They follow the reference rules, and their order protects against false denials too:
//
//  1. Cached image. With the image on its node the kubelet does not pull, so no failure of the registry matters.
//  2. Cached layers. With some layers on its node the runtime may not need the layers that the registry does not serve.
//  3. Volumes. An unmounted volume excuses a failure that is still certain. An Indeterminate verdict keeps its cause.
func useRules() []rule {
	return []rule{
		{"cached image", cachedImage},
		{"cached layers", cachedLayers},
		{"volume architecture", volumeArchitecture},
		{"unmounted volume", unmountedVolume},
	}
}

// apply runs the rules in order.
func apply(rules []rule, v imagepull.Verdict, f facts) imagepull.Verdict {
	for _, r := range rules {
		v = r.apply(v, f)
	}
	return v
}

// podFacts are the facts that all rules for one pod share.
type podFacts struct {
	options    *Options
	candidates nodes.Candidates
	// images, contents and cache look up images (see Options); contents and cache may be nil.
	images, contents Resolver
	cache            Cache
	// credentials is not set in prechecks.
	credentials credentials.Set
}

// facts are the input of a rule, in addition to the verdict.
type facts struct {
	*podFacts
	reference imagepull.Reference
	// use is nil in rules for a reference. position is the index of the use in the pod.
	use      *imagepull.Use
	position int
	// nodeProblems are the node credential sources that failed in the lookup of the reference.
	nodeProblems []credentials.Problem
}

func (p *podFacts) forReference(ref imagepull.Reference) facts {
	return facts{podFacts: p, reference: ref}
}

func (p *podFacts) forUse(position int, use *imagepull.Use) facts {
	return facts{podFacts: p, reference: use.Reference, use: use, position: position}
}

// replace returns a new verdict that keeps the origin of v.
func replace(v imagepull.Verdict, reason imagepull.Reason, detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: reason, Detail: detail, Origin: v.Origin, Age: v.Age}
}

// weaken changes the reason and the detail of a failure, and keeps the fix of its first reason.
func weaken(failure imagepull.Verdict, reason imagepull.Reason, detail string) imagepull.Verdict {
	if failure.Fix == "" {
		failure.Fix = failure.Reason.Fix()
	}
	failure.Reason, failure.Detail = reason, detail
	return failure
}

// isRefusal reports whether another credential may get another response. NotFound is a refusal too: some registries return
// it for images that the account must not see.
func isRefusal(v imagepull.Verdict) bool {
	return v.Reason == imagepull.ReasonAccessDenied || v.Reason == imagepull.ReasonNotFound
}
