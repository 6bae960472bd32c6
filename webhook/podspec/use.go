package podspec

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Image returns the use of a bare image, one without an object around it. Asking about it means asking the registry,
// so that its pull policy is Always.
func Image(image string) imagepull.Use {
	return complete(imagepull.Use{Path: "image", Image: image, PullPolicy: imagepull.PullAlways})
}

// complete fills in what follows from the image and the pull policy as written.
func complete(use imagepull.Use) imagepull.Use {
	ref, tag, err := parse(use.Image)
	use.Reference = ref
	if err != nil {
		use.ParseError = err.Error()
	}
	if use.PullPolicy == "" {
		use.PullPolicy = defaultPullPolicy(tag)
	}
	return use
}

// defaultPullPolicy is the API server's: only the tag counts, even beside a digest, and an image that does not parse
// has none (kubernetes: pkg/apis/core/v1/defaults.go, SetDefaults_Container and SetDefaults_Volume).
func defaultPullPolicy(tag string) imagepull.PullPolicy {
	if tag == defaultTag {
		return imagepull.PullAlways
	}
	return imagepull.PullIfNotPresent
}

// uses lists every image of the pod spec that is found at path.
func uses(path string, spec *corev1.PodSpec) []imagepull.Use {
	containers := containersOf(path, spec)
	all := make([]imagepull.Use, 0, len(containers))
	mounted := map[string]bool{}
	for _, c := range containers {
		all = append(all, complete(imagepull.Use{
			Path:       c.path,
			Kind:       c.kind,
			Name:       c.Name,
			Image:      c.Image,
			PullPolicy: imagepull.PullPolicy(c.ImagePullPolicy),
		}))
		for _, mount := range c.VolumeMounts {
			mounted[mount.Name] = true
		}
	}
	return append(all, volumeUses(path, spec.Volumes, mounted)...)
}

func volumeUses(path string, volumes []corev1.Volume, mounted map[string]bool) []imagepull.Use {
	var all []imagepull.Use
	for i, volume := range volumes {
		if volume.Image == nil {
			continue
		}
		all = append(all, complete(imagepull.Use{
			Path:       fmt.Sprintf("%s.volumes[%d].image.reference", path, i),
			Kind:       imagepull.Volume,
			Name:       volume.Name,
			Image:      volume.Image.Reference,
			PullPolicy: imagepull.PullPolicy(volume.Image.PullPolicy),
			Unmounted:  !mounted[volume.Name],
		}))
	}
	return all
}

// isPlaceholder reports whether the image is left open in a template, for a controller or a mutating webhook to fill in.
// A pod that still had it would never be stored (kubernetes: pkg/apis/core/validation, validateContainerCommon and
// validateContainerOnlyForPod), and so no node would ever try to pull it.
func isPlaceholder(use imagepull.Use) bool { return strings.TrimSpace(use.Image) == "" }
