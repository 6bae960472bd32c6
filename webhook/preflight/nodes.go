package preflight

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// Nodes tells which nodes a pod may run on. A nil spec is that of a pod that asks for nothing.
type Nodes interface {
	Candidates(spec *corev1.PodSpec) nodes.Candidates
}

var (
	_ Nodes = (*nodes.Inventory)(nil)
	_ Nodes = (*nodes.Snapshot)(nil)
	_ Nodes = (nodes.Declared)(nil)
)

// shortName is the verdict where the nodes' own configuration decides which registry an image is from, and under which name it
// may be there already.
func shortName(ref imagepull.Reference) imagepull.Verdict {
	return imagepull.Verdict{
		Reason: imagepull.ReasonNodeLocalRegistry,
		Detail: "the image names no registry, and the nodes' registries.conf chooses one",
		Fix:    "name the registry, such as " + ref.Domain + "/" + ref.Path,
	}
}

// present is the verdict on an image that every candidate holds.
func present() imagepull.Verdict {
	return imagepull.Verdict{
		Reason: imagepull.ReasonPresentOnNode,
		Detail: "every node that the pod can run on holds the image",
	}
}

// never is the verdict under the policy Never, where the registry is not asked. What the kubelet pulled with the credential
// of another pod it may keep from this one, which nothing in the API tells.
func never(held nodes.Presence) imagepull.Verdict {
	switch held {
	case nodes.AllNodes, nodes.AllNodesUnverified:
		return present()
	case nodes.Absent:
		return imagepull.Verdict{
			Reason: imagepull.ReasonNeverPresent,
			Detail: "no node that the pod can run on reports the image, which takes up to a minute after loading it",
		}
	case nodes.SomeNodes:
		return imagepull.Verdict{
			Reason: imagepull.ReasonNodeCache,
			Detail: "with imagePullPolicy Never the image must be on the node already, and only some nodes hold it",
		}
	case nodes.Unreported, nodes.NoNodes:
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonNodeCache,
		Detail: "with imagePullPolicy Never the image must be on the node already",
	}
}

// unlessHeld is what a pull that the registry has judged comes to on nodes that may hold the image: where they do, the
// kubelet does not pull it at all (kubelet: pkg/kubelet/images/image_manager.go, EnsureImageExists).
func unlessHeld(v imagepull.Verdict, use imagepull.Use, candidates nodes.Candidates) imagepull.Verdict {
	if use.PullPolicy != imagepull.PullIfNotPresent || v.Outcome() == imagepull.Pullable {
		return v
	}
	switch held := candidates.Presence(use.Reference); {
	case held == nodes.AllNodesUnverified && !concernsAccess(v):
		return present()
	case v.Outcome() != imagepull.Unpullable:
		return v
	case held == nodes.AllNodesUnverified:
		return onNode(v, "but the nodes hold the image and may not ask for access")
	case held == nodes.SomeNodes:
		return onNode(v, "but some nodes hold the image")
	case held == nodes.Unreported:
		return onNode(v, "but a node may hold the image without reporting it")
	}
	return v
}

// concernsAccess reports whether the pod's credentials are at fault. A kubelet that asks the registry about an image that
// it holds wants to know just that.
func concernsAccess(v imagepull.Verdict) bool {
	return v.Reason == imagepull.ReasonAccessDenied || v.Reason == imagepull.ReasonInvalidPullSecret
}

// onNode turns a certain failure into doubt, and keeps its cause and its fix.
func onNode(v imagepull.Verdict, but string) imagepull.Verdict {
	if v.Fix == "" {
		v.Fix = v.Reason.Fix()
	}
	v.Reason, v.Detail = imagepull.ReasonNodeCache, v.Detail+", "+but
	return v
}

// onPlatforms judges an index by the nodes' platforms. A single manifest is pulled on every node, but for the oldest, which only
// old runtimes take.
func onPlatforms(v imagepull.Verdict, candidates nodes.Candidates) imagepull.Verdict {
	if v.IsSchema1 && candidates.MayPullSchema1() {
		v.Reason, v.Detail = imagepull.ReasonSomePlatforms, v.Detail+", which only old nodes take"
		return v
	}
	if !v.IsIndex || v.Outcome() != imagepull.Pullable {
		return v
	}
	switch fit, wanted := candidates.Serve(v.Platforms); fit {
	case nodes.All:
	case nodes.None:
		v.Reason, v.Detail = imagepull.ReasonPlatformMismatch, mismatchDetail(v.Platforms, wanted)
	case nodes.Some:
		v.Reason, v.Detail = imagepull.ReasonSomePlatforms, "some nodes are not served: "+mismatchDetail(v.Platforms, wanted)
	case nodes.Unknown:
		v.Reason, v.Detail = imagepull.ReasonSomePlatforms, unclearDetail(v.Platforms)
	case nodes.NoCandidate:
		v.Reason = imagepull.ReasonSomePlatforms
		v.Detail = "no node is known that the pod can run on now, and the image index offers only " + list(v.Platforms)
	}
	return v
}

func unclearDetail(offered []imagepull.Platform) string {
	if slices.ContainsFunc(offered, isUnnamed) {
		return "the image index has an entry that names no platform"
	}
	return "a node does not tell its platform exactly, and the image index offers " + list(offered)
}

func mismatchDetail(offered, wanted []imagepull.Platform) string {
	if len(wanted) == 0 {
		return "the image index offers no platform at all"
	}
	return fmt.Sprintf("the image index offers %s, the nodes are %s", list(offered), list(wanted))
}

// list names platforms, with the features that they want of the system; for those of a Windows build, without it.
func list(platforms []imagepull.Platform) string {
	var names []string
	for _, p := range platforms {
		name := p.String()
		if len(p.OSFeatures) > 0 {
			name += " with " + strings.Join(p.OSFeatures, "+")
		}
		if p.OS != "" && p.OS != "unknown" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "no platform"
	}
	return enumerate(names)
}
