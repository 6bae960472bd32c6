package preflight

import (
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// volumeArchitecture removes the warning about a wrong architecture from an image volume: the kubelet mounts its files and
// runs no program (kubelet: pkg/kubelet/kuberuntime/kuberuntime_manager.go, toKubeContainerImageVolumes).
func volumeArchitecture(v imagepull.Verdict, f facts) imagepull.Verdict {
	if f.use.Kind != imagepull.Volume {
		return v
	}
	// Other uses or a cache may share the slice.
	v.Warnings = slices.DeleteFunc(slices.Clone(v.Warnings), func(w imagepull.Warning) bool {
		return w.Reason == imagepull.WarningWrongArchitecture
	})
	return v
}
