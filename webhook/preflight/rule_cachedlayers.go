package preflight

import (
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// cachedLayers applies if a node may already have the part of an image that the registry does not serve. With any pull policy
// the runtime fetches only content that it lacks (containerd: core/remotes/handlers.go, Fetch).
//
// A verdict with a digest failed after the image was resolved. Before that no cache helps: the runtime must resolve the image
// and find its platform in the index.
func cachedLayers(v imagepull.Verdict, f facts) imagepull.Verdict {
	failedFetch := v.Outcome() == imagepull.Unpullable && v.Digest != "" && v.Reason != imagepull.ReasonPlatformMismatch
	if !failedFetch {
		return v
	}
	switch f.candidates.PresenceOfLayers(f.reference.Repository(), v.Digest) {
	case nodes.SomeNodes:
		return onNode(v, "but a node may hold it already")
	case nodes.Unreported, nodes.NotYetReported:
		return unreported(v, "but a node may hold it without reporting it")
	case nodes.Absent, nodes.NoNodes, nodes.AllNodes, nodes.AllNodesUnverified:
	}
	return v
}
