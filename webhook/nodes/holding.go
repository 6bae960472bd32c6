package nodes

import "github.com/pullgate/pullgate/webhook/imagepull"

// Holding says whether the candidates hold an image. The zero value is doubt.
type Holding uint8

const (
	// Unreported means that a node may hold the image without having reported it.
	Unreported Holding = iota
	// Unwatched means that there is no node to look at. One that comes holds nothing.
	Unwatched
	// Nowhere means that no candidate holds the image.
	Nowhere
	// Somewhere means that some node does, but not every candidate.
	Somewhere
	// Everywhere means that every candidate does.
	Everywhere
	// EverywherePulled means the same, but a kubelet may have pulled the image with the credential of another pod. From
	// Kubernetes 1.35 on it then asks the registry whether this pod may have it (KEP-2535); what was pulled without a
	// credential, or loaded onto the node, it gives to every pod. Nothing in the API tells the two apart.
	EverywherePulled
)

// Holding says whether the candidates hold an image.
func (c Candidates) Holding(ref imagepull.Reference) Holding {
	switch {
	case maybeID(ref), c.asked && !c.known:
		return Unreported
	case len(c.nodes) == 0 && len(c.resting) == 0:
		return Unwatched
	}
	query := newImageQuery(ref)
	here, later := tally(c.nodes, query), tally(c.resting, query)
	switch {
	case len(c.nodes) > 0 && here.holding == len(c.nodes) && here.verifying > 0:
		return EverywherePulled
	case len(c.nodes) > 0 && here.holding == len(c.nodes):
		return Everywhere
	case here.holding+later.holding > 0:
		return Somewhere
	case here.unreported+later.unreported > 0:
		return Unreported
	case len(c.nodes) == 0:
		return Unwatched
	}
	return Nowhere
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
