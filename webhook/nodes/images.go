package nodes

import (
	"math"
	"path"
	"slices"
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// fullNames is how many names of one image a kubelet reports (kubelet: nodestatus/setters.go, Images), digests before tags.
const fullNames = 5

// imageList is the list of images that one node reports. The nodes of a cluster report mostly the same names, so each name
// is stored once for all nodes.
type imageList struct {
	names []imageName
	// more are the last parts of the names of images that may have more names than reported.
	more []unique.Handle[string]
	// hosts are the registries from which the runtime pulled an image.
	hosts []unique.Handle[string]
	// length is the number of images, and last the size of the smallest. The kubelet reports the largest images first.
	length int
	last   kibibytes
	// hasLoaded is set if an image was loaded onto the node, and not by the maker of the node's system.
	hasLoaded bool
}

// imageName is one name of an image.
type imageName struct {
	name unique.Handle[string]
	// size is the size of the image, or zero if the node does not report it.
	size kibibytes
	// pulled is set if the image may have come from a registry, by this name or another: the runtime stores the digest of an
	// image that it pulls. An image that was loaded from an archive has only tags.
	pulled bool
}

// kibibytes is a size of an image, rounded down.
type kibibytes uint32

func newImageList(images []corev1.ContainerImage) imageList {
	list := imageList{length: len(images)}
	for i, image := range images {
		size := kibibytes(min(max(image.SizeBytes>>10, 0), math.MaxUint32))
		if i == 0 || size < list.last {
			list.last = size
		}
		list.add(image.Names, size)
	}
	return list
}

// add adds one image. The kubelet's records of pulls are for images, not for their names (kubelet:
// pkg/kubelet/images/pullmanager/image_pull_manager.go, MustAttemptImagePull), so a digest by any name makes it a pulled one.
func (l *imageList) add(names []string, size kibibytes) {
	pulled, loaded := false, false
	for i, name := range names {
		host, ok := pulledFrom(canonicalName(name))
		// Five digests may hide another one.
		pulled = pulled || ok || i == fullNames-1 && strings.Contains(name, "@")
		loaded = loaded || name != "" && !strings.Contains(name, "@") && !isSystemImage(canonicalName(name))
		if ok {
			l.hosts = appendNew(l.hosts, host)
		}
	}
	l.hasLoaded = l.hasLoaded || loaded && !pulled
	for _, name := range names {
		name = canonicalName(name)
		l.names = append(l.names, imageName{unique.Make(name), size, pulled})
		if len(names) >= fullNames {
			l.more = appendNew(l.more, path.Base(repositoryOf(name)))
		}
	}
}

func appendNew(list []unique.Handle[string], text string) []unique.Handle[string] {
	if h := unique.Make(text); !slices.Contains(list, h) {
		return append(list, h)
	}
	return list
}

// pulledFrom returns the registry of a name with a digest. A digest alone does not prove a pull: a tool that loads an archive with
// all digests stores each by the name "import-" and the date (containerd: cmd/ctr/commands/images/import.go). Docker reports an
// image without a name as "<none>".
func pulledFrom(name string) (host string, ok bool) {
	repository, _, ok := strings.Cut(name, "@")
	if !ok || strings.HasPrefix(repository, "docker.io/library/import-") || strings.HasSuffix(repository, "<none>") {
		return "", false
	}
	host, _, _ = strings.Cut(repository, "/")
	return host, true
}

// isSystemImage reports whether the makers of node systems load the image beforehand: the pause image, and the images of
// Kubernetes and AKS (AgentBaker: parts/linux/cloud-init/artifacts/cse_install.sh, pullContainerImage). A name "<none>" is of
// Docker, for an image that lost its name.
func isSystemImage(name string) bool {
	repository := repositoryOf(name)
	host, _, _ := strings.Cut(repository, "/")
	return path.Base(repository) == "pause" || strings.HasSuffix(repository, "<none>") ||
		host == "registry.k8s.io" || host == "k8s.gcr.io" || host == "mcr.microsoft.com"
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
	// imageRecent: the node has the image only if it was loaded a moment ago.
	imageRecent
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

// find returns an image by its name, or nil. The runtime finds an image only by its exact name, even if it has the same content by
// another one (containerd: internal/cri/server/images, LocalResolve).
func (l *imageList) find(name unique.Handle[string]) *imageName {
	for i := range l.names {
		if l.names[i].name == name {
			return &l.names[i]
		}
	}
	return nil
}

// state returns the state of an image on the node. The size is zero if it is not known.
func (n *node) state(image imageKey, size kibibytes, p Profile) imageState {
	found := n.images.find(image.name)
	switch {
	case found != nil && found.pulled:
		return imagePulled
	case found != nil:
		return imageLoaded
	case n.images.mayOmit(size, p), slices.Contains(n.images.more, image.base):
		return imageUnreported
	case n.receivesImages():
		return imageRecent
	}
	return imageAbsent
}

// receivesImages reports whether people load images onto the node.
func (n *node) receivesImages() bool { return n.isLocal || n.images.hasLoaded }

// mayOmit reports whether the list may omit an image of this size, or of any size if it is zero. An empty list is not reported
// yet.
func (l *imageList) mayOmit(size kibibytes, p Profile) bool {
	isSmaller := size == 0 || l.last == 0 || size <= l.last
	return l.length == 0 || p.isCutOff(l.length) && isSmaller
}

// hasRelatedImage reports whether the list has an image of the repository, or with the digest.
func (l *imageList) hasRelatedImage(repository, digest string) bool {
	return slices.ContainsFunc(l.names, func(n imageName) bool {
		name := n.name.Value()
		return repositoryOf(name) == repository || strings.HasSuffix(name, "@"+digest)
	})
}
