package preflight

import "github.com/pullgate/pullgate/webhook/imagepull"

// unmountedVolume excuses an image volume that no container mounts. The kubelet fails to pull it, and still starts every
// container (kubelet: pkg/kubelet/kuberuntime/kuberuntime_manager.go, getImageVolumes).
func unmountedVolume(v imagepull.Verdict, f facts) imagepull.Verdict {
	if !f.use.Unmounted || v.Outcome() != imagepull.Unpullable {
		return v
	}
	const detail = "no container mounts the volume"
	excused := replace(v, imagepull.ReasonNotChecked, detail)
	excused.Warnings = []imagepull.Warning{{
		Reason:  imagepull.WarningUnmountedImageVolume,
		Message: detail + ", whose image cannot be pulled: " + v.Detail,
	}}
	return excused
}
