package podspec

import (
	"strconv"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Image returns the use of a standalone image, without an object. Its pull policy is Always, so that the registry is checked.
func Image(image string) imagepull.Use {
	return complete(imagepull.Use{Path: "image", Image: image, PullPolicy: imagepull.PullAlways})
}

// complete sets the fields that depend on the image and the pull policy in the object.
func complete(use imagepull.Use) imagepull.Use {
	ref, tag, err := parse(use.Image)
	use.Reference = ref
	if err != nil {
		use.ParseError = err.Error()
		use.Image = imagepull.MaskUserinfo(use.Image)
	}
	if use.PullPolicy == "" {
		use.PullPolicy = defaultPullPolicy(tag)
	}
	return use
}

// defaultPullPolicy returns the API server's default. It depends on the tag only, also with a digest. An image that does not
// parse has no tag (kubernetes: pkg/apis/core/v1/defaults.go, SetDefaults_Container and SetDefaults_Volume).
func defaultPullPolicy(tag string) imagepull.PullPolicy {
	if tag == defaultTag {
		return imagepull.PullAlways
	}
	return imagepull.PullIfNotPresent
}

// uses returns every image of the pods. Ordinary containers come first.
func (p pods) uses() []imagepull.Use {
	path, s := p.path, p.spec
	all := make([]imagepull.Use, 0, len(s.Containers)+len(s.InitContainers)+len(s.EphemeralContainers))
	all = appendUses(all, path, ".containers[", imagepull.Container, s.Containers)
	all = appendUses(all, path, ".initContainers[", imagepull.InitContainer, s.InitContainers)
	all = appendUses(all, path, ".ephemeralContainers[", imagepull.EphemeralContainer, s.EphemeralContainers)
	for i := range all {
		all[i].Injected = p.metadata.injects(all[i])
	}
	return appendVolumeUses(all, path, s)
}

// countUses returns the number of images.
func (p pods) countUses() int {
	n := len(p.spec.Containers) + len(p.spec.InitContainers) + len(p.spec.EphemeralContainers)
	for _, volume := range p.spec.Volumes {
		if volume.Image != nil {
			n++
		}
	}
	return n
}

// appendUses appends the images of a list of containers.
func appendUses(all []imagepull.Use, path, list string, kind imagepull.Kind, containers []container) []imagepull.Use {
	for i, c := range containers {
		all = append(all, complete(imagepull.Use{
			Path:       path + list + strconv.Itoa(i) + "].image",
			Kind:       kind,
			Name:       c.Name,
			Image:      c.Image,
			PullPolicy: imagepull.PullPolicy(c.ImagePullPolicy),
		}))
	}
	return all
}

func appendVolumeUses(all []imagepull.Use, path string, s *spec) []imagepull.Use {
	var mounted map[string]bool
	for i, volume := range s.Volumes {
		if volume.Image == nil {
			continue
		}
		if mounted == nil {
			mounted = s.mounted()
		}
		all = append(all, complete(imagepull.Use{
			Path:       path + ".volumes[" + strconv.Itoa(i) + "].image.reference",
			Kind:       imagepull.Volume,
			Name:       volume.Name,
			Image:      volume.Image.Reference,
			PullPolicy: imagepull.PullPolicy(volume.Image.PullPolicy),
			Unmounted:  !mounted[volume.Name],
		}))
	}
	return all
}

// mounted returns the names of the volumes that a container of any kind mounts.
func (s *spec) mounted() map[string]bool {
	names := make(map[string]bool)
	for _, containers := range [][]container{s.Containers, s.InitContainers, s.EphemeralContainers} {
		for _, c := range containers {
			for _, mount := range c.VolumeMounts {
				names[mount.Name] = true
			}
		}
	}
	return names
}

// isBlank reports whether the image in a template is blank, for a controller or a mutating webhook to replace. The API
// server rejects a pod with a blank image (kubernetes: pkg/apis/core/validation, validateContainerCommon and
// validateContainerOnlyForPod), so no node would try to pull it.
func isBlank(use imagepull.Use) bool { return strings.TrimSpace(use.Image) == "" }
