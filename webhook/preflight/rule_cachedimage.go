package preflight

import (
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// cachedImage applies to the policy IfNotPresent, where the kubelet does not pull an image that its node has (kubelet:
// pkg/kubelet/images/image_manager.go, EnsureImageExists).
//
// The kubelet may verify access to an image with the registry before it gives the image to another pod (kubelet:
// pkg/kubelet/images/pullmanager/image_pull_manager.go, MustAttemptImagePull). It then pulls, and any failure counts.
func cachedImage(v imagepull.Verdict, f facts) imagepull.Verdict {
	if f.use.PullPolicy != imagepull.PullIfNotPresent {
		return v
	}
	presence := f.presence(f.reference)
	if presence == nodes.AllNodes {
		return presentOnNode(v)
	}
	if v.Outcome() != imagepull.Unpullable {
		return v
	}
	switch presence {
	case nodes.AllNodesUnverified:
		return onNode(v, "but the nodes hold the image and may not verify access again")
	case nodes.SomeNodes:
		return onNode(v, "but some nodes hold the image")
	case nodes.Unreported:
		return unreported(v, "but a node may hold the image without reporting it")
	case nodes.NotYetReported:
		return unreported(v, "but the image may have been loaded onto a node a moment ago")
	case nodes.AllNodes, nodes.Absent, nodes.NoNodes:
	}
	return v
}

// presentOnNode returns PresentOnNode for an image that every candidate has. The registry's verdict is only a warning: a node that
// joins has no image.
func presentOnNode(registry imagepull.Verdict) imagepull.Verdict {
	v := replace(registry, imagepull.ReasonPresentOnNode, "every node that the pod can run on holds the image")
	if registry.Reason == imagepull.ReasonNotFound || registry.Reason == imagepull.ReasonBlobMissing {
		v.Warnings = []imagepull.Warning{{
			Reason:  imagepull.WarningNotOnRegistry,
			Message: "a new node could not pull it: " + registry.Detail,
		}}
	}
	return v
}
