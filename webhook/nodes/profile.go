package nodes

import "github.com/pullgate/pullgate/webhook/imagepull"

// Profile is the operator's configuration of the kubelets and the container runtime. The zero value is a stock node.
type Profile struct {
	// Runtime is the runtime of nodes that do not report theirs.
	Runtime imagepull.Runtime
	// LocalImagePull means that containerd pulls by its CRI plugin, as before version 2.1, and not by its transfer service.
	LocalImagePull bool
	// VerifyImages is the imagePullCredentialsVerificationPolicy of the kubelets.
	VerifyImages imagepull.VerifyImages
	// MaxReportedImages is the nodeStatusMaxImages of the kubelets; zero means 50, and -1 no limit.
	MaxReportedImages int
}

// defaultMaxReportedImages is the default of the kubelet (kubelet: apis/config/v1beta1/defaults.go).
const defaultMaxReportedImages = 50

// isCutOff reports whether a node with a list of this length may have more images. Without a limit, lists are complete.
func (p Profile) isCutOff(length int) bool {
	limit := p.MaxReportedImages
	if limit == 0 {
		limit = defaultMaxReportedImages
	}
	return limit > 0 && length >= limit
}

// mayVerify reports whether the kubelets of a group may need the registry before a pod gets an image that the nodes have (kubelet:
// pkg/kubelet/images/pullmanager/image_pull_policies.go). With a list of exceptions any image may be verified, since the list is
// not known. Even with AlwaysVerify an image that was pulled without a pod's credential is not verified.
func (p Profile) mayVerify(g *group, pulled bool) bool {
	switch p.VerifyImages {
	case imagepull.NeverVerify:
		return false
	case imagepull.AlwaysVerify, imagepull.NeverVerifyAllowlistedImages:
		return true
	case imagepull.NeverVerifyPreloadedImages:
	}
	return pulled && g.verifies
}
