package preflight

import (
	"fmt"
	"strings"

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
	pod        *imagepull.Pod
	candidates nodes.Candidates
	// images, manifests, contents and cache look up images (see Options). All but images may be nil.
	images, manifests, contents Resolver
	cache                       Cache
	// overLimit are the references beyond Options.MaxImages.
	overLimit map[imagepull.Reference]bool
	// credentials is not set in prechecks.
	credentials credentials.Set
	// present are the references that no kubelet pulls, as presentReferences returns them.
	present map[imagepull.Reference]bool
	// presences hold the presence of images that were compared with the nodes since the last lookup.
	presences map[imagepull.Reference]nodes.Presence
}

// presence returns the presence of an image on the candidates. It is not safe for concurrent use, so rules for a reference must not
// call it.
func (p *podFacts) presence(ref imagepull.Reference) nodes.Presence {
	presence, ok := p.presences[ref]
	if !ok {
		presence = p.candidates.Presence(ref)
		if p.presences == nil {
			p.presences = make(map[imagepull.Reference]nodes.Presence)
		}
		p.presences[ref] = presence
	}
	return presence
}

// facts are the input of a rule, in addition to the verdict.
type facts struct {
	*podFacts
	reference imagepull.Reference
	// use is nil in rules for a reference.
	use *imagepull.Use
	// nodeProblems are the node credential sources that failed in the lookup of the reference.
	nodeProblems []credentials.Problem
}

func (p *podFacts) forReference(ref imagepull.Reference) facts {
	return facts{podFacts: p, reference: ref}
}

func (p *podFacts) forUse(use *imagepull.Use) facts {
	return facts{podFacts: p, reference: use.Reference, use: use}
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

// onNode returns NodeCache for a failure, since a node has the image or some of its layers.
func onNode(failure imagepull.Verdict, but string) imagepull.Verdict {
	return weaken(failure, imagepull.ReasonNodeCache, failure.Detail+", "+but)
}

// unreported returns NodeCacheUnreported for a failure, since a node may have the image or its layers without reporting them.
func unreported(failure imagepull.Verdict, but string) imagepull.Verdict {
	return weaken(failure, imagepull.ReasonNodeCacheUnreported, failure.Detail+", "+but)
}

// isRefusal reports whether another credential may get another response. NotFound is a refusal too: some registries return
// it for images that the account must not see.
func isRefusal(v imagepull.Verdict) bool {
	return v.Reason == imagepull.ReasonAccessDenied || v.Reason == imagepull.ReasonNotFound && !v.AnyCredential
}

// maxListed bounds the entries in a message: an index may have many platforms, and a pod many pull secrets.
const maxListed = 6

func enumerate(names []string) string {
	if len(names) > maxListed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
	}
	return strings.Join(names, ", ")
}
