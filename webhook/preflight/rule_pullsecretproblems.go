package preflight

import (
	"fmt"
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// pullSecretProblems adds the problems of the pod's secrets to the detail of a denial, since they are its likely cause. The
// kubelet pulls without a secret that does not exist or has no entries (kubelet: pkg/kubelet/kubelet_pods.go,
// getPullSecretsForPod).
func pullSecretProblems(v imagepull.Verdict, f facts) imagepull.Verdict {
	if v.Reason != imagepull.ReasonAccessDenied {
		return v
	}
	if missing := f.credentials.Missing; len(missing) > 0 {
		v.Detail += "; " + missingDetail(missing)
		v.Fix = "create the pull secret"
	}
	ignored := f.credentials.Ignored
	for _, p := range ignored[:min(len(ignored), maxListed)] {
		v.Detail += "; " + p.String()
	}
	return v
}

// warnMissingSecrets adds one warning for each pod: to the first image that the kubelet pulls without the missing secrets.
func warnMissingSecrets(missing []string, findings []imagepull.Finding) {
	if len(missing) == 0 {
		return
	}
	for i := range findings {
		if findings[i].Reason == imagepull.ReasonPullable {
			// Other uses or a cache may share the slice.
			findings[i].Warnings = append(slices.Clip(findings[i].Warnings), imagepull.Warning{
				Reason:  imagepull.WarningPullSecretMissing,
				Message: missingDetail(missing),
			})
			return
		}
	}
}

// maxName is the longest name that an object can have. The name of a pull secret in a pod may be longer.
const maxName = 253

// missingDetail names the first of the missing pull secrets.
func missingDetail(names []string) string {
	first := names[0]
	if len(first) > maxName {
		first = first[:maxName]
	}
	if len(names) == 1 {
		return fmt.Sprintf("pull secret %q does not exist", first)
	}
	return fmt.Sprintf("pull secret %q and %d more do not exist", first, len(names)-1)
}
