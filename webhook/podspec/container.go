package podspec

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// container is a container of any kind, with the place where its image is written.
type container struct {
	corev1.Container
	kind imagepull.Kind
	path string
}

// containersOf lists the containers of the pod spec that is found at path: those that it is there for first.
func containersOf(path string, spec *corev1.PodSpec) []container {
	all := make([]container, 0, len(spec.Containers)+len(spec.InitContainers)+len(spec.EphemeralContainers))
	for i, c := range spec.Containers {
		all = append(all, container{c, imagepull.Container, imagePath(path, "containers", i)})
	}
	for i, c := range spec.InitContainers {
		all = append(all, container{c, imagepull.InitContainer, imagePath(path, "initContainers", i)})
	}
	for i, c := range spec.EphemeralContainers {
		// The API keeps both types alike for this conversion.
		converted := corev1.Container(c.EphemeralContainerCommon)
		all = append(all, container{converted, imagepull.EphemeralContainer, imagePath(path, "ephemeralContainers", i)})
	}
	return all
}

func imagePath(path, list string, index int) string {
	return fmt.Sprintf("%s.%s[%d].image", path, list, index)
}
