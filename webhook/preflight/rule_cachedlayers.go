package preflight

import "github.com/pullgate/pullgate/webhook/imagepull"

// cachedLayers applies if a node may already have the part of an image that the registry does not serve. With any pull policy
// the runtime fetches only content that it lacks (containerd: core/remotes/handlers.go, Fetch).
//
// A verdict with a digest failed after the image was resolved. Before that no cache helps: the runtime must resolve the image
// and find its platform in the index.
func cachedLayers(v imagepull.Verdict, f facts) imagepull.Verdict {
	failedFetch := v.Outcome() == imagepull.Unpullable && v.Digest != "" && v.Reason != imagepull.ReasonPlatformMismatch
	if !failedFetch || !f.candidates.MayHaveLayers(f.reference.Repository(), v.Digest) {
		return v
	}
	return onNode(v, "but a node may hold it already")
}
