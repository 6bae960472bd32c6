package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// verdict does for one image what the kubelet does: it tries each credential until one works (kubelet:
// pkg/kubelet/images/image_manager.go, pullImage).
func (c *Checker) verdict(ctx context.Context, q question, ref imagepull.Reference) imagepull.Verdict {
	set := q.set
	if len(set.Invalid) > 0 {
		return invalidSecret(set.Invalid[0])
	}
	var failures []imagepull.Verdict
	var unknown []credentials.Problem
	for cred, problem := range set.Lookup(ctx, ref.Repository()) {
		if !problem.IsZero() {
			unknown = append(unknown, problem)
			continue
		}
		v := c.options.Resolver.Resolve(ctx, ref, cred)
		if v.Outcome() == imagepull.Pullable && c.options.Contents != nil {
			v = c.inspection(ref, cred, q.candidates).of(ctx, v)
		}
		if v.Outcome() == imagepull.Pullable {
			return unlessUnreadable(v, set)
		}
		// Even past the deadline every credential has its turn, which is then a doubt: the first refusals alone prove nothing.
		failures = append(failures, v)
	}
	chosen := worst(failures)
	v := c.explained(unlessUnknown(unlessUnreadable(chosen, set), unknown), ref, set)
	v.Origin, v.Age = chosen.Origin, chosen.Age
	return v
}

// recalled returns the verdict on an image that is known to open with the first credential. For that nobody has to wait, and a
// server that is busy is done with one pod before it goes on to the next. All other cases take the long way.
func (c *Checker) recalled(set credentials.Set, ref imagepull.Reference) (imagepull.Verdict, bool) {
	if c.options.Memory == nil || c.options.Contents != nil || len(set.Invalid) > 0 {
		return imagepull.Verdict{}, false
	}
	cred, ok := set.First(ref.Repository())
	if !ok {
		return imagepull.Verdict{}, false
	}
	v, known := c.options.Memory.Recall(ref, cred)
	if !known || v.Outcome() != imagepull.Pullable {
		return imagepull.Verdict{}, false
	}
	return unlessUnreadable(v, set), true
}

// explained says of a denial whether it is one, and what is wrong with the pod's secrets.
func (c *Checker) explained(v imagepull.Verdict, ref imagepull.Reference, set credentials.Set) imagepull.Verdict {
	if isRefusal(v) && c.options.CredentialedRegistries.MatchHost(ref.Domain) {
		return unlessKnownToNodes(v)
	}
	if v.Reason != imagepull.ReasonAccessDenied {
		return v
	}
	return explain(v, set)
}

// isRefusal reports whether another credential could bring another answer. That the image is not found is a refusal too: some
// registries say so of what they hide.
func isRefusal(v imagepull.Verdict) bool {
	return v.Reason == imagepull.ReasonAccessDenied || v.Reason == imagepull.ReasonNotFound
}

// unlessKnownToNodes turns a refusal into doubt, where the nodes have an identity that Pullgate can't see.
func unlessKnownToNodes(refusal imagepull.Verdict) imagepull.Verdict {
	what := "access is denied to"
	if refusal.Reason == imagepull.ReasonNotFound {
		what = refusal.Detail + " with"
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: what + " what Pullgate can see, but the nodes may have an identity of their own",
	}
}

// invalidSecret: one undecodable entry fails every lookup of the pod, whatever host it is for (kubelet:
// pkg/credentialprovider/secrets/secrets.go).
func invalidSecret(p credentials.Problem) imagepull.Verdict {
	return imagepull.Verdict{
		Reason: imagepull.ReasonInvalidPullSecret,
		Detail: p.String(),
	}
}

// unlessUnreadable turns a verdict into doubt when a secret could not be read, unless a credential that could be read
// works: the kubelet gets to that one sooner or later.
func unlessUnreadable(v imagepull.Verdict, set credentials.Set) imagepull.Verdict {
	if len(set.Unreadable) == 0 || (v.Outcome() == imagepull.Pullable && v.Credential != "") {
		return v
	}
	p := set.Unreadable[0]
	return imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: "Pullgate could not read " + p.String(),
		Fix:    "check Pullgate's rights and the API server",
	}
}

// unlessUnknown turns a refusal into doubt when nodes have credentials that Pullgate could not get.
func unlessUnknown(v imagepull.Verdict, unknown []credentials.Problem) imagepull.Verdict {
	if len(unknown) == 0 || !isRefusal(v) {
		return v
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: "the nodes may have a credential that Pullgate could not get: " + unknown[0].String(),
	}
}

// worst chooses what is said of an image that no credential opened. Doubt wins: the kubelet may get an answer later. Of
// certain failures the one that got furthest tells most.
func worst(failures []imagepull.Verdict) imagepull.Verdict {
	chosen := failures[0]
	for _, v := range failures[1:] {
		if progress(v) > progress(chosen) {
			chosen = v
		}
	}
	if chosen.Reason == imagepull.ReasonAccessDenied && len(failures) > 1 {
		chosen.Detail = refusedDetail(failures)
	}
	if chosen.Reason == imagepull.ReasonAccessDenied && credentials.IsOfNode(chosen.Credential) {
		// Whoever reads this has no hand in what the nodes hold, but may bring along something better.
		chosen.Fix = chosen.Reason.Fix()
	}
	return chosen
}

func progress(v imagepull.Verdict) int {
	switch {
	case v.Outcome() == imagepull.Indeterminate:
		return 3
	case v.Reason == imagepull.ReasonAccessDenied:
		return 0
	case v.Reason == imagepull.ReasonNotFound:
		return 1
	}
	return 2
}

func refusedDetail(failures []imagepull.Verdict) string {
	var sources []string
	for _, v := range failures {
		if !slices.Contains(sources, v.Credential) {
			sources = append(sources, v.Credential)
		}
	}
	return "the credentials from " + enumerate(sources) + " are refused"
}

// explain adds to a denial what is wrong with the pod's secrets, since that is where the cause is.
func explain(v imagepull.Verdict, set credentials.Set) imagepull.Verdict {
	if len(set.Missing) > 0 {
		v.Detail += "; " + missingDetail(set.Missing)
		v.Fix = "create the pull secret"
	}
	for _, p := range set.Ignored[:min(len(set.Ignored), maxListed)] {
		v.Detail += "; " + p.String()
	}
	return v
}

// maxName is the longest name that an object can have. What a pod lists as a pull secret may be longer.
const maxName = 253

// missingDetail names the first of the pull secrets that don't exist.
func missingDetail(names []string) string {
	first := names[0]
	if len(first) > maxName {
		first = first[:maxName]
	}
	if len(names) == 1 {
		return fmt.Sprintf("pull secret %q does not exist", first)
	}
	return fmt.Sprintf("pull secret %q and %d more do not exist", first, len(names)-1)
}

// maxListed keeps an index with many entries, or a pod with many pull secrets, from filling the message.
const maxListed = 6

func enumerate(names []string) string {
	if len(names) > maxListed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
	}
	return strings.Join(names, ", ")
}
