package nodes

import (
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Presence reports which candidates have an image. The zero value is Unreported.
type Presence uint8

const (
	// Unreported means that a node may have the image without reporting it.
	Unreported Presence = iota
	// NoNodes means that the pod has no candidate yet. A node that joins has no image.
	NoNodes
	// Absent means that no candidate has the image.
	Absent
	// SomeNodes means that some candidates have it.
	SomeNodes
	// AllNodes means that every candidate has it.
	AllNodes
	// AllNodesUnverified means that every candidate has it, but a kubelet may have pulled it with the credential of another
	// pod. From Kubernetes 1.35 on, such a kubelet verifies with the registry that this pod may use it (KEP-2535). An image
	// that was pulled without a credential or loaded onto the node is for every pod. The API does not show the difference.
	AllNodesUnverified
)

// Presence returns the presence of an image on the candidates.
func (c Candidates) Presence(ref imagepull.Reference) Presence {
	switch {
	case mayBeID(ref), c.fromCluster && !c.known:
		return Unreported
	case len(c.feasible) == 0 && len(c.unavailable) == 0:
		return NoNodes
	}
	image := newImageKey(ref)
	now, later := count(c.feasible, image), count(c.unavailable, image)
	switch {
	case len(c.feasible) > 0 && now.present == len(c.feasible) && now.unverified > 0:
		return AllNodesUnverified
	case len(c.feasible) > 0 && now.present == len(c.feasible):
		return AllNodes
	case now.present+later.present > 0:
		return SomeNodes
	case now.unreported+later.unreported > 0:
		return Unreported
	case len(c.feasible) == 0:
		return NoNodes
	}
	return Absent
}

// counts are numbers of nodes by their state of one image.
type counts struct {
	present int
	// unverified is the part of present whose kubelets may verify access.
	unverified int
	unreported int
}

func count(nodes []*node, image imageKey) counts {
	var c counts
	for _, n := range nodes {
		switch n.images.state(image) {
		case imagePulled:
			c.present++
			if n.verifies {
				c.unverified++
			}
		case imageLoaded:
			c.present++
		case imageUnreported:
			c.unreported++
		case imageAbsent:
		}
	}
	return c
}

// MayHaveLayers reports whether a candidate may have layers of an image with this digest. It may have them from an image of the
// same repository, from the same image by another name, or from one that it does not report. Images that share layers are
// most often versions of each other.
func (c Candidates) MayHaveLayers(repository, digest string) bool {
	if c.fromCluster && !c.known {
		return true
	}
	return slices.ContainsFunc(c.schedulable(), func(n *node) bool {
		return n.images.partial || n.images.hasRelatedImage(repository, digest)
	})
}

// mayBeID reports whether the runtime may read the reference as the ID, or the prefix of the ID, of an image on its node. Nodes
// do not report IDs.
func mayBeID(ref imagepull.Reference) bool {
	return ref.Domain == "docker.io" && ref.Path == "library/sha256"
}
