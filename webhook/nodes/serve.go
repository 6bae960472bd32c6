package nodes

import (
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Fit reports how many of the candidates an index serves. The zero value is Unknown.
type Fit uint8

const (
	// Unknown means that the index and the Node objects do not decide. An entry names no platform, so nodes read its
	// configuration, or a Node object does not report its exact platform.
	Unknown Fit = iota
	// NoCandidate means that no node is feasible now, and that the index does not serve every node that may join.
	NoCandidate
	// All nodes are served.
	All
	// Some nodes are served.
	Some
	// None is served.
	None
)

// Serve returns the fit of an index with these platforms, and the platforms of the nodes with which it was compared.
func (c Candidates) Serve(offered []imagepull.Platform) (Fit, []imagepull.Platform) {
	fit, compared := c.serve(offered)
	return fit, platformsOf(compared)
}

func (c Candidates) serve(offered []imagepull.Platform) (Fit, []nodePlatform) {
	switch {
	case len(c.cluster.declared) > 0:
		compared := c.joining(c.allowed(c.cluster.declared))
		return c.fit(offered, compared), compared
	case !c.fromCluster:
		return c.fit(offered, nil), nil
	case len(c.feasible) == 0:
		return c.serveJoining(offered)
	}
	compared := nodePlatformsOf(c.feasible)
	fit := c.fit(offered, compared)
	if fit == None && len(c.unavailable) > 0 {
		// The pod may wait for an unavailable node that the index serves.
		compared = nodePlatformsOf(c.schedulable())
		fit = c.fit(offered, compared)
	}
	return fit, compared
}

// serveJoining returns the fit if no node is feasible. A failure is certain in two cases: the index has no runnable entry, or
// no platform that the pod itself requires.
func (c Candidates) serveJoining(offered []imagepull.Platform) (Fit, []nodePlatform) {
	if fit := fitOfUnknownNodes(offered); fit != All {
		return fit, nil
	}
	if required := c.joining(c.constraint.platforms("linux", "windows")); len(required) > 0 {
		if fit := c.fit(offered, required); fit == None || c.constraint.isComplete() {
			return fit, required
		}
	}
	compared := c.joining(c.allowed(c.expected))
	if c.fit(offered, compared) == All {
		return All, compared
	}
	return NoCandidate, compared
}

// fit compares the platforms of an index with the nodes. Without nodes it accepts any platform.
func (c Candidates) fit(offered []imagepull.Platform, nodes []nodePlatform) Fit {
	if len(nodes) == 0 {
		return fitOfUnknownNodes(offered)
	}
	served, unknown := 0, 0
	for _, n := range nodes {
		switch fitOfNode(offered, n.platform, c.profile.rulesFor(n)) {
		case All:
			served++
		case Unknown:
			unknown++
		case None, Some, NoCandidate:
		}
	}
	switch {
	case served == len(nodes):
		return All
	case unknown > 0:
		return Unknown
	case served > 0:
		return Some
	}
	return None
}

// fitOfUnknownNodes accepts any platform. An index of attestations has none.
func fitOfUnknownNodes(offered []imagepull.Platform) Fit {
	switch {
	case slices.ContainsFunc(offered, isRunnable):
		return All
	case slices.ContainsFunc(offered, hasNoPlatform):
		return Unknown
	}
	return None
}

func fitOfNode(offered []imagepull.Platform, node imagepull.Platform, rules pullRules) Fit {
	switch {
	case slices.ContainsFunc(offered, rules.matcher(node)):
		return All
	case slices.ContainsFunc(offered, hasNoPlatform), slices.ContainsFunc(offered, mayMatch(node)):
		return Unknown
	}
	return None
}

// mayMatch returns a matcher for the parts of a platform that the Node object does not report. A 32-bit ARM node has no label
// for the variant: its runtime reads it from the CPU. A node without labels may have any platform.
func mayMatch(node imagepull.Platform) func(imagepull.Platform) bool {
	return func(p imagepull.Platform) bool {
		if node.OS == "" || node.Architecture == "" {
			return isRunnable(p)
		}
		return node.Architecture == "arm" && node.Variant == "" && p.OS == node.OS && p.Architecture == node.Architecture
	}
}
