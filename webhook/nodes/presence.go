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
	// NotYetReported means that no candidate reports the image, and that images are loaded onto one of them. A kubelet reports an
	// image up to a minute after it was loaded.
	NotYetReported
	// SomeNodes means that some candidates have it.
	SomeNodes
	// AllNodes means that every candidate has it, and that its kubelet needs no response of the registry.
	AllNodes
	// AllNodesUnverified means that every candidate has it, but a kubelet may verify with the registry that this pod may use it
	// (KEP-2535). By default that concerns an image that the kubelet pulled with the credential of another pod, from Kubernetes
	// 1.35 on. An image that was pulled without a credential or loaded onto the node is for every pod. The API does not show the
	// difference.
	AllNodesUnverified
)

// Presence returns the presence of an image on the candidates.
func (c Candidates) Presence(ref imagepull.Reference) Presence {
	c, unlock := c.latest()
	defer unlock()
	switch {
	case mayBeID(ref), c.fromCluster && !c.known:
		return Unreported
	case len(c.feasible) == 0 && len(c.unavailable) == 0:
		return NoNodes
	}
	image := newImageKey(ref)
	presence := c.presence(image, 0)
	if presence == Unreported && ref.Digest != "" {
		// A list that is cut off omits small images only. A tag may have had another content on another node.
		presence = c.presence(image, c.sizeOf(image))
	}
	return presence
}

func (c Candidates) presence(image imageKey, size kibibytes) Presence {
	candidates, others := c.feasible, c.unavailable
	if len(candidates) == 0 && c.isNarrowed {
		// The pod runs on one of these nodes, or waits.
		candidates, others = others, nil
	}
	now, later := c.count(candidates, image, size), c.count(others, image, size)
	switch {
	case now.nodes > 0 && now.present == now.nodes && now.unverified > 0:
		return AllNodesUnverified
	case now.nodes > 0 && now.present == now.nodes:
		return AllNodes
	case now.present+later.present > 0:
		return SomeNodes
	case now.mayOmit || later.mayOmit:
		return Unreported
	case now.mayReceive || later.mayReceive:
		return NotYetReported
	case len(c.feasible) == 0:
		return NoNodes
	}
	return Absent
}

// counts are the result of a search for one image.
type counts struct {
	nodes, present int
	// unverified is the part of present whose kubelets may verify access.
	unverified int
	// mayOmit is set if a node may have the image without reporting it, and mayReceive if images are loaded onto a node.
	mayOmit, mayReceive bool
}

func (c Candidates) count(groups []*group, image imageKey, size kibibytes) counts {
	var total counts
	for _, g := range groups {
		found := g.tally(image.name)
		total.nodes += len(g.nodes)
		total.present += int(found.pulled) + int(found.loaded)
		if c.profile.mayVerify(g, true) {
			total.unverified += int(found.pulled)
		}
		if c.profile.mayVerify(g, false) {
			total.unverified += int(found.loaded)
		}
		total.mayOmit = total.mayOmit || g.mayOmit(size, c.profile) || g.reports(image.base)
		total.mayReceive = total.mayReceive || g.receivesImages()
	}
	return total
}

// sizeOf returns the smallest size of an image that any node of the cluster reports, or zero if it is not known for the
// candidates. It differs between platforms and runtimes.
func (c Candidates) sizeOf(image imageKey) kibibytes {
	platforms := nodePlatformsOf(c.schedulable())
	if len(platforms) != 1 {
		return 0
	}
	var smallest kibibytes
	for _, g := range c.cluster.groups {
		if !platforms[0].equals(nodePlatform{g.platform, g.rules}) || !g.reports(image.name) {
			continue
		}
		for _, n := range g.nodes {
			if f, ok := n.images.find(image.name); ok && f.size > 0 && (smallest == 0 || f.size < smallest) {
				smallest = f.size
			}
		}
	}
	return smallest
}

// PresenceOfLayers returns the presence of layers of an image with this digest. A candidate may have them from an image of the
// same repository, from the same image by another name, or from one that it does not report. Images that share layers are most
// often versions of each other.
func (c Candidates) PresenceOfLayers(repository, digest string) Presence {
	c, unlock := c.latest()
	defer unlock()
	if c.fromCluster && !c.known {
		return Unreported
	}
	ofRepository, ofDigest := relation(repository), relation("@"+digest)
	presence := Absent
	for _, g := range c.schedulable() {
		switch {
		case g.hasList(func(l *imageList) bool { return l.hasRelation(ofRepository, ofDigest) }):
			return SomeNodes
		case g.mayOmit(0, c.profile):
			presence = Unreported
		case presence == Absent && g.receivesImages():
			presence = NotYetReported
		}
	}
	return presence
}

// HavePulledFrom reports whether a candidate reports an image that its runtime pulled from a registry.
func (c Candidates) HavePulledFrom(host string) bool {
	c, unlock := c.latest()
	defer unlock()
	key := newHash(hostOfPull, host)
	return slices.ContainsFunc(c.schedulable(), func(g *group) bool { return g.reports(key) })
}

// mayBeID reports whether the runtime may read the reference as the ID, or the prefix of the ID, of an image on its node. Nodes
// do not report IDs.
func mayBeID(ref imagepull.Reference) bool {
	return ref.Domain == "docker.io" && ref.Path == "library/sha256"
}
