package preflight

import (
	"fmt"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// pullSecretProblems adds the problems of the pod's secrets to the detail of a denial, since they are its likely cause. The
// kubelet pulls without a secret that does not exist or has no entries (kubelet: pkg/kubelet/kubelet_pods.go,
// getPullSecretsForPod).
func pullSecretProblems(v imagepull.Verdict, f facts) imagepull.Verdict {
	if v.Reason != imagepull.ReasonAccessDenied {
		return v
	}
	if len(f.credentials.Missing) > 0 {
		v.Detail += "; " + f.missingDetail()
	}
	v.Detail += f.ignoredDetail()
	return v
}

// missingDetail names the first of the missing pull secrets.
func (f facts) missingDetail() string {
	missing := f.credentials.Missing
	if len(missing) == 1 {
		return fmt.Sprintf("pull secret %q does not exist in namespace %q", missing[0], f.pod.Namespace)
	}
	return fmt.Sprintf("pull secret %q and %d more do not exist in namespace %q", missing[0], len(missing)-1, f.pod.Namespace)
}

// ignoredDetail names the pull secrets that exist and that the kubelet ignores.
func (f facts) ignoredDetail() string {
	var b strings.Builder
	ignored := f.credentials.Ignored
	for _, p := range ignored[:min(len(ignored), maxListed)] {
		b.WriteString("; " + p.String())
	}
	return b.String()
}
