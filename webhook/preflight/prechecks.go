package preflight

import (
	"fmt"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// precheck returns a verdict that needs no request, or false if it does not apply to the use.
type precheck struct {
	name  string
	check func(facts) (v imagepull.Verdict, decided bool)
}

// prechecks returns the prechecks. The first one that applies decides, so their order matters:
//
//  1. Placeholders. They need not be valid references.
//  2. The name, as for the kubelet. The others need a valid reference.
//  3. Skipped registries and the limit. The operator excludes these uses from any check.
//  4. A short name on CRI-O. Its full name is not known, so it cannot be compared with the nodes' images.
//  5. The policy Never, which only the nodes' images decide.
func prechecks() []precheck {
	return []precheck{
		{"placeholder", placeholder},
		{"image name", invalidImageName},
		{"skipped registry", skippedRegistry},
		{"images per object", tooManyImages},
		{"short name", shortName},
		{"pull policy Never", pullNever},
	}
}

// runPrechecks returns the verdict of the first precheck that applies. Of the rules for a use only the unmounted volume
// follows: the others compare a registry's response with the nodes.
func runPrechecks(checks []precheck, f facts) (v imagepull.Verdict, decided bool) {
	for _, p := range checks {
		if v, decided := p.check(f); decided {
			return unmountedVolume(v, f), true
		}
	}
	return imagepull.Verdict{}, false
}

// invalidImageName rejects a reference that the kubelet cannot parse. It parses the name before it reads the pull policy
// (kubelet: pkg/kubelet/images/image_manager.go, EnsureImageExists).
func invalidImageName(f facts) (imagepull.Verdict, bool) {
	return imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: f.use.ParseError}, f.use.ParseError != ""
}

// skippedRegistry applies to a registry that receives no request by configuration.
func skippedRegistry(f facts) (imagepull.Verdict, bool) {
	return imagepull.Verdict{Reason: imagepull.ReasonNotChecked, Detail: "registry is listed in skipRegistries"},
		f.options.SkipRegistries.MatchHost(f.reference.Domain)
}

// tooManyImages bounds the work for one object, since its author controls the number of images.
func tooManyImages(f facts) (imagepull.Verdict, bool) {
	if !f.overLimit[f.reference] {
		return imagepull.Verdict{}, false
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonTooManyImages,
		Detail: fmt.Sprintf("the object has more than %d different images (limits.usesPerObject)", f.options.MaxImages),
	}, true
}

// overLimit returns the references beyond the limit, in the order of their first use. Repeated references cost one lookup, so that
// each counts once.
func overLimit(uses []imagepull.Use, limit int) map[imagepull.Reference]bool {
	if limit <= 0 || len(uses) <= limit {
		return nil
	}
	known, over := make(map[imagepull.Reference]bool, limit), make(map[imagepull.Reference]bool)
	for i := range uses {
		switch ref := uses[i].Reference; {
		case known[ref] || uses[i].ParseError != "":
		case len(known) < limit:
			known[ref] = true
		default:
			over[ref] = true
		}
	}
	return over
}

// shortName applies where the nodes run CRI-O: their registries.conf selects the registry of an image without one
// (containers/image: pkg/sysregistriesv2/shortnames.go, parseUnnormalizedShortName).
func shortName(f facts) (imagepull.Verdict, bool) {
	if !f.use.IsShort() || f.options.Runtime != imagepull.RuntimeCRIO && !f.candidates.MayRunCRIO() {
		return imagepull.Verdict{}, false
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonNodeLocalRegistry,
		Detail: "the image names no registry, and the nodes' registries.conf chooses one",
		Fix:    "name the registry, such as " + f.reference.Domain + "/" + f.reference.Path,
	}, true
}

// pullNever applies to the policy Never, where the kubelet sends no request (kubelet: pkg/kubelet/images/image_manager.go,
// imagePullPrecheck). It refuses an image that it would have to verify with the registry (EnsureImageExists).
func pullNever(f facts) (imagepull.Verdict, bool) {
	if f.use.PullPolicy != imagepull.PullNever {
		return imagepull.Verdict{}, false
	}
	const detail = "with imagePullPolicy Never the image must be on the node already"
	switch f.presence(f.reference) {
	case nodes.AllNodes:
		return presentOnNode(imagepull.Verdict{}), true
	case nodes.AllNodesUnverified:
		return imagepull.Verdict{
			Reason: imagepull.ReasonNodeCache,
			Detail: "with imagePullPolicy Never a node may refuse the image, which it may have pulled with a credential of another pod",
		}, true
	case nodes.SomeNodes:
		return imagepull.Verdict{Reason: imagepull.ReasonNodeCache, Detail: detail + ", and only some nodes hold it"}, true
	case nodes.Absent, nodes.NotYetReported:
		return imagepull.Verdict{
			Reason: imagepull.ReasonNeverPresent,
			Detail: "no node that the pod can run on reports the image, which takes up to a minute after loading it",
		}, true
	case nodes.Unreported, nodes.NoNodes:
	}
	return imagepull.Verdict{Reason: imagepull.ReasonNodeCacheUnreported, Detail: detail}, true
}
