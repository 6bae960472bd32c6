package imagepull

// VerifyImages controls whether a kubelet verifies access with the registry before a pod gets an image that its node has already, with the values
// of the kubelet's imagePullCredentialsVerificationPolicy.
type VerifyImages string

// The values of the kubelet. The zero value acts as NeverVerifyPreloadedImages, the kubelet's default.
const (
	NeverVerify                  VerifyImages = "NeverVerify"
	NeverVerifyPreloadedImages   VerifyImages = "NeverVerifyPreloadedImages"
	NeverVerifyAllowlistedImages VerifyImages = "NeverVerifyAllowlistedImages"
	AlwaysVerify                 VerifyImages = "AlwaysVerify"
)
