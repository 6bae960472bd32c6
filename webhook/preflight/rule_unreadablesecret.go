package preflight

import "github.com/pullgate/pullgate/webhook/imagepull"

// unreadableSecret applies if Pullgate could not read a pull secret. The kubelet may be able to read it, and tries
// again in each sync of the pod (kubelet: pkg/kubelet/kubelet_pods.go, getPullSecretsForPod).
//
// Only a credential that works stays a certain success: the kubelet tries it too. An anonymous success does not count. If the
// secret has an entry for the registry, the kubelet makes no anonymous attempt.
func unreadableSecret(v imagepull.Verdict, f facts) imagepull.Verdict {
	unreadable := f.credentials.Unreadable
	if len(unreadable) == 0 || v.Outcome() == imagepull.Pullable && v.Credential != "" {
		return v
	}
	v = replace(v, imagepull.ReasonNodeCredentials, "Pullgate could not read "+unreadable[0].String())
	v.Fix = "check Pullgate's rights and the API server"
	return v
}
