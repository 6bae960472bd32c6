package preflight

import "github.com/pullgate/pullgate/webhook/imagepull"

// missingPullSecret applies if a registry refuses a pod that lists a pull secret which does not exist yet: a controller may
// create it later, and the kubelet reads all secrets again in each sync of the pod (kubelet: pkg/kubelet/kubelet_pods.go,
// getPullSecretsForPod).
//
// The refusal of another listed secret for this registry stays a denial. That secret is the pod's credential for the image, and
// needs a correction.
func missingPullSecret(v imagepull.Verdict, f facts) imagepull.Verdict {
	if len(f.credentials.Missing) == 0 || !isRefusal(v) || len(f.credentials.Keyring.Lookup(f.reference.Repository())) > 0 {
		return v
	}
	refusal := "the registry denies access"
	if v.Reason == imagepull.ReasonNotFound {
		refusal = v.Detail
	}
	return replace(v, imagepull.ReasonPullSecretMissing, f.missingDetail()+"; without it, "+refusal+f.ignoredDetail())
}
