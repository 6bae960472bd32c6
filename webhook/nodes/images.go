package nodes

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// fullNames is how many names of one image a kubelet reports (kubelet: nodestatus/setters.go, Images), digests before tags.
const fullNames = 5

// imageList is the list of images that one node reports. It holds hashes and not names: in a large cluster, most names may
// belong to images on one node only.
type imageList struct {
	// facts are sorted by their hash, and each hash occurs once.
	facts []fact
	// related are the repositories and digests of the images. A match prevents a denial, so that 64 bits suffice.
	related []uint64
	// length is the number of images, and last the size of the smallest. The kubelet reports the largest images first.
	length int
	last   kibibytes
	// hasLoaded is set if an image was loaded onto the node, and not by the maker of the node's system.
	hasLoaded bool
}

// fact is a hash of something that a node reports.
type fact struct {
	hash hash
	// size is the size of an image, or zero if the node does not report it.
	size kibibytes
	// pulled is set if an image may have come from a registry, by this name or another: the runtime stores the digest of an
	// image that it pulls. An image that was loaded from an archive has only tags.
	pulled bool
}

// hash is the first part of a SHA-256 hash. Image authors choose the names, and cannot find two with the same hash.
type hash [16]byte

// Kinds of facts. They precede the text that is hashed.
const (
	// nameOfImage is the name of an image on the node.
	nameOfImage = "name "
	// baseOfMany is the last part of the name of an image that may have more names than the node reports.
	baseOfMany = "base "
	// hostOfPull is a registry from which the runtime pulled an image.
	hostOfPull = "host "
)

func newHash(kind, text string) hash {
	sum := sha256.Sum256(append(append(make([]byte, 0, 256), kind...), text...))
	return hash(sum[:len(hash{})])
}

// relation returns the hash of a repository, or of a digest with "@".
func relation(text string) uint64 {
	h := newHash("", text)
	return binary.NativeEndian.Uint64(h[:])
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
	// The first of two images with the same name counts.
	slices.SortStableFunc(list.facts, func(a, b fact) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	list.facts = slices.Clone(slices.CompactFunc(list.facts, func(a, b fact) bool { return a.hash == b.hash }))
	slices.Sort(list.related)
	list.related = slices.Clone(slices.Compact(list.related))
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
			l.facts = append(l.facts, fact{hash: newHash(hostOfPull, host)})
		}
	}
	l.hasLoaded = l.hasLoaded || loaded && !pulled
	for _, name := range names {
		name = canonicalName(name)
		repository := repositoryOf(name)
		l.facts = append(l.facts, fact{newHash(nameOfImage, name), size, pulled})
		l.related = append(l.related, relation(repository))
		if at := strings.LastIndexByte(name, '@'); at >= 0 {
			l.related = append(l.related, relation(name[at:]))
		}
		if len(names) >= fullNames {
			l.facts = append(l.facts, fact{hash: newHash(baseOfMany, path.Base(repository))})
		}
	}
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

// imageKey is an image to find in the lists of many nodes.
type imageKey struct{ name, base hash }

func newImageKey(ref imagepull.Reference) imageKey {
	return imageKey{newHash(nameOfImage, ref.String()), newHash(baseOfMany, path.Base(ref.Path))}
}

// find returns a fact by its hash. The runtime finds an image only by its exact name, even if it has the same content by another
// one (containerd: internal/cri/server/images, LocalResolve).
func (l *imageList) find(h hash) (fact, bool) {
	i, ok := slices.BinarySearchFunc(l.facts, h, func(f fact, h hash) int { return bytes.Compare(f.hash[:], h[:]) })
	if !ok {
		return fact{}, false
	}
	return l.facts[i], true
}

// mayOmit reports whether the list may omit an image of this size, or of any size if it is zero. An empty list is not reported
// yet.
func (l *imageList) mayOmit(size kibibytes, p Profile) bool {
	isSmaller := size == 0 || l.last == 0 || size <= l.last
	return l.length == 0 || p.isCutOff(l.length) && isSmaller
}

// hasRelation reports whether the list has an image of one of the repositories or digests.
func (l *imageList) hasRelation(relations ...uint64) bool {
	return slices.ContainsFunc(relations, func(r uint64) bool {
		_, ok := slices.BinarySearch(l.related, r)
		return ok
	})
}

func (l *imageList) equals(other *imageList) bool {
	return l.length == other.length && l.last == other.last && l.hasLoaded == other.hasLoaded &&
		slices.Equal(l.facts, other.facts) && slices.Equal(l.related, other.related)
}
