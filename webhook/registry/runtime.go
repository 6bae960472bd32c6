package registry

import (
	"net/http"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// runtimeRules are the differences between runtimes in what they make of a registry's answers.
type runtimeRules struct {
	// manifestBytes is the largest manifest that it reads.
	manifestBytes int64
	// takesSchema1 says that it pulls images of the old format.
	takesSchema1 bool
	// postsCredentials says that it shows credentials to a token service by POST before it does so by GET.
	postsCredentials bool
	// getsManifests says that it never sends HEAD, so that a refusal of HEAD alone proves nothing.
	getsManifests bool
	// unusable is the reason for an answer that is no image in sight, and addition what is said of it besides.
	unusable imagepull.Reason
	addition string
}

// rulesOf returns the rules of a runtime. CRI-O looks into content of a type that it does not know, and pulls as an artifact
// what it could not pull as an image: what it makes of such an answer can't be told from outside (containers/image v5.38:
// internal/manifest, NormalizedMIMEType and GuessMIMEType; internal/iolimits; docker/docker_client.go, getBearerToken).
func rulesOf(runtime imagepull.Runtime) runtimeRules {
	if runtime == imagepull.RuntimeCRIO {
		return runtimeRules{
			manifestBytes: 4 << 20,
			takesSchema1:  true,
			getsManifests: true,
			unusable:      imagepull.ReasonRegistryUnavailable,
			addition:      "; CRI-O may find an image or an artifact in it all the same",
		}
	}
	return runtimeRules{
		manifestBytes:    4 * 1048 * 1048, // containerd: core/remotes/docker/resolver.go, MaxManifestSize
		postsCredentials: true,
		unusable:         imagepull.ReasonUnsupportedImage,
	}
}

// asksAgainByGET reports whether the answer to HEAD leaves open what GET would bring. What says that the registry is busy or
// ill leaves nothing open: GET would only add to it.
func (r runtimeRules) asksAgainByGET(status int) bool {
	if !r.getsManifests {
		return status == http.StatusMethodNotAllowed
	}
	return status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// unusableAnswer is the verdict on what the runtime can't use, as far as can be told.
func (r runtimeRules) unusableAnswer(detail string) imagepull.Verdict {
	return imagepull.Verdict{
		Reason: r.unusable,
		Detail: detail + r.addition,
		Fix:    imagepull.ReasonUnsupportedImage.Fix(),
	}
}
