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
	// fullList is how many images a kubelet reports by default, the largest first. From so many on there may be more.
	fullList = 50
	// fullNames is how many names of one image a kubelet reports (kubelet: nodestatus/setters.go), digests before tags.
	fullNames = 5
)

// imageList is the images that one node reports. The nodes of a cluster report much the same names, so that each is kept
// once for all of them.
type imageList struct {
	names []imageName
	// more are the last parts of the names of images that may go by more names than are reported.
	more []unique.Handle[string]
	// partial is set when the node may hold images that it does not report: the list is full; or it is empty, which is
	// how a node begins before its first report.
	partial bool
}

// imageName is one name of an image.
type imageName struct {
	name unique.Handle[string]
	// pulled is set when the image may have come from the registry: a runtime notes the digest of what it pulls. What was
	// loaded from an archive has a tag alone.
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
	digested := make(map[string]bool)
	for _, name := range names {
		if repository, _, ok := strings.Cut(canonical(name), "@"); ok {
			digested[repository] = true
		}
	}
	for _, name := range names {
		name = canonical(name)
		repository := repositoryOf(name)
		l.names = append(l.names, imageName{unique.Make(name), digested[repository]})
		if base := unique.Make(path.Base(repository)); len(names) >= fullNames && !slices.Contains(l.more, base) {
			l.more = append(l.more, base)
		}
	}
}

// canonical writes a name in full. containerd and CRI-O do so themselves; Docker leaves out its own registry.
func canonical(name string) string {
	first, _, nested := strings.Cut(name, "/")
	switch {
	case !nested:
		return "docker.io/library/" + name
	case first != "localhost" && !strings.ContainsAny(first, ".:"):
		return "docker.io/" + name
	}
	return name
}

// repositoryOf cuts off the digest or the tag.
func repositoryOf(name string) string {
	if repository, _, ok := strings.Cut(name, "@"); ok {
		return repository
	}
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		return name[:colon]
	}
	return name
}

// presence is how a node stands to one image.
type presence uint8

const (
	// absent: the node does not hold the image.
	absent presence = iota
	// unreported: it may.
	unreported
	// loaded: it does, and nobody pulled it.
	loaded
	// pulled: it does, and maybe its kubelet pulled it.
	pulled
)

// of says how the node stands to an image. The runtime finds it by its exact name only, even where it has the same content
// by another one (containerd: internal/cri/server/images, LocalResolve).
func (l *imageList) of(wanted imageQuery) presence {
	for _, n := range l.names {
		if n.name == wanted.name {
			if n.pulled {
				return pulled
			}
			return loaded
		}
	}
	if l.partial || slices.Contains(l.more, wanted.base) {
		return unreported
	}
	return absent
}

// imageQuery is an image to look for on many nodes.
type imageQuery struct{ name, base unique.Handle[string] }

func newImageQuery(ref imagepull.Reference) imageQuery {
	return imageQuery{unique.Make(ref.String()), unique.Make(path.Base(ref.Path))}
}

// maybeID reports whether the runtime may take the reference for the ID of an image that it holds, or the beginning of
// one. Nodes don't report IDs.
func maybeID(ref imagepull.Reference) bool {
	return ref.Domain == "docker.io" && ref.Path == "library/sha256"
}
