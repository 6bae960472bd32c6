package preflight

import (
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// cachedImage applies to the policy IfNotPresent, where the kubelet does not pull an image that its node has (kubelet:
// pkg/kubelet/images/image_manager.go, EnsureImageExists).
//
// An image that a kubelet pulled may be verified with the registry before another pod gets it (kubelet:
// pkg/kubelet/images/pullmanager/image_pull_manager.go, MustAttemptImagePull). That only matters if access is denied.
func cachedImage(v imagepull.Verdict, f facts) imagepull.Verdict {
	if f.use.PullPolicy != imagepull.PullIfNotPresent || v.Outcome() == imagepull.Pullable {
		return v
	}
	presence := f.candidates.Presence(f.reference)
	if presence == nodes.AllNodesUnverified && !isAccessFailure(v) {
		return presentOnNode()
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
		return onNode(v, "but a node may hold the image without reporting it")
	case nodes.AllNodes, nodes.Absent, nodes.NoNodes:
	}
	return v
}

// isAccessFailure reports whether the pod's credentials are the cause of the failure.
func isAccessFailure(v imagepull.Verdict) bool {
	return v.Reason == imagepull.ReasonAccessDenied || v.Reason == imagepull.ReasonInvalidPullSecret
}
