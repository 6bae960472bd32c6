package nodes

import (
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Fit says how an index serves a set of nodes. The zero value is doubt.
type Fit uint8

const (
	// Unknown means that it takes more than the index and the Node objects to tell: an entry names no platform, so that a
	// node reads its configuration, or an object doesn't tell its node's platform exactly.
	Unknown Fit = iota
	// NoCandidate means that no node is known that the pod could run on now, and the index would not serve all that may come.
	NoCandidate
	// All nodes are served.
	All
	// Some nodes are served.
	Some
	// None is served.
	None
)

// serve says how the platforms that an index offers serve the nodes. Where none are known any platform will do,
// but there must be one: an index of attestations only serves nobody.
func (c Candidates) serve(offered []imagepull.Platform, nodes []system) Fit {
	if len(nodes) == 0 {
		return serveUnknown(offered)
	}
	served, unclear := 0, 0
	for _, node := range nodes {
		switch serveNode(offered, node.platform, c.profile.puller(node)) {
		case All:
			served++
		case Unknown:
			unclear++
		case None, Some, NoCandidate:
		}
	}
	switch {
	case served == len(nodes):
		return All
	case unclear > 0:
		return Unknown
	case served > 0:
		return Some
	}
	return None
}

func serveUnknown(offered []imagepull.Platform) Fit {
	switch {
	case slices.ContainsFunc(offered, isRunnable):
		return All
	case slices.ContainsFunc(offered, isUnnamed):
		return Unknown
	}
	return None
}

// serveNode says how an index serves one node.
func serveNode(offered []imagepull.Platform, node imagepull.Platform, by puller) Fit {
	switch {
	case slices.ContainsFunc(offered, by.matcher(node)):
		return All
	case slices.ContainsFunc(offered, isUnnamed), slices.ContainsFunc(offered, maybe(node)):
		return Unknown
	}
	return None
}

// maybe is what could match besides, of a node whose object doesn't tell all. The label of a 32-bit ARM node lacks the
// variant, which its runtime reads off the processor; and where no label names a platform, anything may match.
func maybe(node imagepull.Platform) func(imagepull.Platform) bool {
	return func(p imagepull.Platform) bool {
		if node.OS == "" || node.Architecture == "" {
			return isRunnable(p)
		}
		return node.Architecture == "arm" && node.Variant == "" && p.OS == node.OS && p.Architecture == node.Architecture
	}
}
