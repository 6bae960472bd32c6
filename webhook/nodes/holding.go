package nodes

import "github.com/pullgate/pullgate/webhook/imagepull"

// Holding says whether the candidates hold an image. The zero value is doubt.
type Presence uint8

const (
	// Unreported means that a node may hold the image without having reported it.
	Unreported Presence = iota
	// NoNodes means that there is no node to look at. One that comes holds nothing.
	NoNodes
	// Absent means that no candidate holds the image.
	Absent
	// SomeNodes means that some node does, but not every candidate.
	SomeNodes
	// AllNodes means that every candidate does.
	AllNodes
	// AllNodesUnverified means the same, but a kubelet may have pulled the image with the credential of another pod. From
	// Kubernetes 1.35 on it then asks the registry whether this pod may have it (KEP-2535); what was pulled without a
	// credential, or loaded onto the node, it gives to every pod. Nothing in the API tells the two apart.
	AllNodesUnverified
)

// Holding says whether the candidates hold an image.
func (c Candidates) Presence(ref imagepull.Reference) Presence {
	switch {
	case maybeID(ref), c.asked && !c.known:
		return Unreported
	case len(c.nodes) == 0 && len(c.resting) == 0:
		return NoNodes
	}
	query := newImageQuery(ref)
	here, later := tally(c.nodes, query), tally(c.resting, query)
	switch {
	case len(c.nodes) > 0 && here.holding == len(c.nodes) && here.verifying > 0:
		return AllNodesUnverified
	case len(c.nodes) > 0 && here.holding == len(c.nodes):
		return AllNodes
	case here.holding+later.holding > 0:
		return SomeNodes
	case here.unreported+later.unreported > 0:
		return Unreported
	case len(c.nodes) == 0:
		return NoNodes
	}
	return Absent
}

// counts are how many nodes hold an image, how many of those may ask the registry about it all the same, and how many may
// hold it without having reported it.
type counts struct{ holding, verifying, unreported int }

func tally(nodes []*node, query imageQuery) counts {
	var c counts
	for _, n := range nodes {
		switch n.images.of(query) {
		case pulled:
			c.holding++
			if n.verifies {
				c.verifying++
			}
		case loaded:
			c.holding++
		case unreported:
			c.unreported++
		case absent:
		}
	}
	return c
}
