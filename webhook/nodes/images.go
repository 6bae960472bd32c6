package nodes

import (
	"path"
	"slices"
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	// fullList is the number of images that a kubelet reports by default, the largest first. A list of that length may lack
	// some.
	fullList = 50
	// fullNames is how many names of one image a kubelet reports (kubelet: nodestatus/setters.go), digests before tags.
	fullNames = 5
)

// imageList is the list of images that one node reports. The nodes of a cluster report mostly the same names, so each name
// is stored once for all nodes.
type imageList struct {
	names []imageName
	// more are the last parts of the names of images that may have more names than reported.
	more []unique.Handle[string]
	// partial is set if the node may have images that it does not report: the list is full, or it is empty because the node has
	// not reported yet.
	partial bool
}

// imageName is one name of an image.
type imageName struct {
	name unique.Handle[string]
	// pulled is set if the image may have come from the registry: the runtime stores the digest of an image that it pulls. An
	// image that was loaded from an archive has only a tag.
	pulled bool
}

func newImageList(images []corev1.ContainerImage) imageList {
	list := imageList{partial: len(images) == 0 || len(images) >= fullList}
	for _, image := range images {
		list.add(image.Names)
	}
	return list
}

func (l *imageList) add(names []string) {
	hasDigest := make(map[string]bool)
	for _, name := range names {
		if repository, _, ok := strings.Cut(canonicalName(name), "@"); ok {
			hasDigest[repository] = true
		}
	}
	for _, name := range names {
		name = canonicalName(name)
		repository := repositoryOf(name)
		l.names = append(l.names, imageName{unique.Make(name), hasDigest[repository]})
		if base := unique.Make(path.Base(repository)); len(names) >= fullNames && !slices.Contains(l.more, base) {
			l.more = append(l.more, base)
		}
	}
}

// canonicalName returns the full name. containerd and CRI-O report full names; Docker omits its own registry.
func canonicalName(name string) string {
	first, _, nested := strings.Cut(name, "/")
	switch {
	case !nested:
		return "docker.io/library/" + name
	case first != "localhost" && !strings.ContainsAny(first, ".:"):
		return "docker.io/" + name
	}
	return name
}

// repositoryOf removes the digest or the tag.
func repositoryOf(name string) string {
	if repository, _, ok := strings.Cut(name, "@"); ok {
		return repository
	}
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		return name[:colon]
	}
	return name
}

// imageState is the state of one image on one node.
type imageState uint8

const (
	// imageAbsent: the node does not have the image.
	imageAbsent imageState = iota
	// imageUnreported: the node may have it.
	imageUnreported
	// imageLoaded: the node has it, and its kubelet did not pull it.
	imageLoaded
	// imagePulled: the node has it, and its kubelet may have pulled it.
	imagePulled
)

// imageKey is an image to find in the lists of many nodes.
type imageKey struct{ name, base unique.Handle[string] }

func newImageKey(ref imagepull.Reference) imageKey {
	return imageKey{unique.Make(ref.String()), unique.Make(path.Base(ref.Path))}
}

// state returns the state of an image. The runtime finds an image only by its exact name, even if it has the same content
// by another one (containerd: internal/cri/server/images, LocalResolve).
func (l *imageList) state(image imageKey) imageState {
	for _, n := range l.names {
		if n.name == image.name {
			if n.pulled {
				return imagePulled
			}
			return imageLoaded
		}
	}
	if l.partial || slices.Contains(l.more, image.base) {
		return imageUnreported
	}
	return imageAbsent
}

// hasRelatedImage reports whether the list has an image of the repository, or with the digest.
func (l *imageList) hasRelatedImage(repository, digest string) bool {
	return slices.ContainsFunc(l.names, func(n imageName) bool {
		name := n.name.Value()
		return repositoryOf(name) == repository || strings.HasSuffix(name, "@"+digest)
	})
}
