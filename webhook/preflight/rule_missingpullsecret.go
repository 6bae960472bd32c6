package preflight

import "github.com/pullgate/pullgate/webhook/imagepull"

// missingPullSecret applies if the registry refuses a pod that lists a pull secret which does not exist yet. A controller may
// create it after the pod. The kubelet reads all secrets again in each sync (kubelet: pkg/kubelet/kubelet_pods.go,
// getPullSecretsForPod).
//
// The refusal of another listed secret for this registry stays a denial: that secret needs a correction.
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
