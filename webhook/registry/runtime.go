package registry

import (
	"net/http"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

// runtimeRules are the rules in which runtimes differ.
type runtimeRules struct {
	// manifestBytes is the largest manifest that the runtime reads.
	manifestBytes int64
	// acceptsSchema1 reports that the runtime pulls images of the old format.
	acceptsSchema1 bool
	// postsCredentials reports that the runtime sends credentials to a token service by POST before GET.
	postsCredentials bool
	// getsManifests reports that the runtime never sends HEAD, so that a refusal of HEAD alone proves nothing.
	getsManifests bool
	// unsupportedReason is the reason for a response that is not an image. suffix is appended to its detail.
	unsupportedReason imagepull.Reason
	suffix            string
}

// rulesOf returns the rules of a runtime. CRI-O detects the type of content with an unknown media type, and pulls as an artifact
// what it cannot pull as an image. Its result for such a response is not known from outside (containers/image v5.38:
// internal/manifest, NormalizedMIMEType and GuessMIMEType; internal/iolimits; docker/docker_client.go, getBearerToken).
func rulesOf(runtime imagepull.Runtime) runtimeRules {
	if runtime == imagepull.RuntimeCRIO {
		return runtimeRules{
			manifestBytes:     4 << 20,
			acceptsSchema1:    true,
			getsManifests:     true,
			unsupportedReason: imagepull.ReasonRegistryUnavailable,
			suffix:            "; CRI-O may still find an image or an artifact in it",
		}
	}
	return runtimeRules{
		manifestBytes:     4 * 1048 * 1048, // containerd: core/remotes/docker/resolver.go, MaxManifestSize
		postsCredentials:  true,
		unsupportedReason: imagepull.ReasonUnsupportedImage,
	}
}

// retriesWithGET reports whether GET may give another result than this status of HEAD. It does not after a status of an
// overloaded or failing registry: GET would only add load.
func (r runtimeRules) retriesWithGET(status int) bool {
	if !r.getsManifests {
		return status == http.StatusMethodNotAllowed
	}
	return status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// checkLength returns the verdict on a manifest whose length is not the one that HEAD gave, or the zero verdict. A node expects
// that length, and its pull ends with "short read" or "read past expected size" (containerd: core/content/helpers.go, Copy;
// core/remotes/docker/httpreadseeker.go).
func (r runtimeRules) checkLength(head, read response) imagepull.Verdict {
	if r.getsManifests || head.method != http.MethodHead || head.length < 0 || head.length == int64(len(read.body)) {
		return imagepull.Verdict{}
	}
	v := manifest.Unsupported("the registry gives the index another length than it has")
	v.Fix = "check the registry, and the proxy in front of it: HEAD and GET disagree"
	return v
}

// unsupported returns the verdict on a response that the runtime cannot use, as far as Pullgate can determine.
func (r runtimeRules) unsupported(detail string) imagepull.Verdict {
	return imagepull.Verdict{
		Reason: r.unsupportedReason,
		Detail: detail + r.suffix,
		Fix:    imagepull.ReasonUnsupportedImage.Fix(),
	}
}
