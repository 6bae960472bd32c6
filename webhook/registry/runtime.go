package registry

import (
	"net/http"

	"github.com/pullgate/pullgate/webhook/imagepull"
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

// unsupported returns the verdict on a response that the runtime cannot use, as far as Pullgate can determine.
func (r runtimeRules) unsupported(detail string) imagepull.Verdict {
	return imagepull.Verdict{
		Reason: r.unsupportedReason,
		Detail: detail + r.suffix,
		Fix:    imagepull.ReasonUnsupportedImage.Fix(),
	}
}
