package nodes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Candidates are the nodes that one pod may run on, as far as they are known. The zero value are nodes that nobody asked
// about: any platform will do, and none holds an image.
type Candidates struct {
	// asked is set when Node objects are there to be read, and known when they have been.
	asked, known bool
	// nodes are those that the pod may be bound to now, and resting those that may join them.
	nodes, resting []*node
	// declared are the platforms that overrule what Node objects say.
	declared []imagepull.Platform
	// expected are the platforms of nodes that may come, where none is there.
	expected []imagepull.Platform
	// pullers are those of the cluster's nodes, which nodes that may come share.
	pullers []puller
	pin     pin
	profile Profile
}

// Under returns the candidates as nodes of that profile.
func (c Candidates) WithProfile(p Profile) Candidates {
	c.profile = p
	return c
}

// census is all that is known of a cluster's nodes.
type census struct {
	nodes    []*node
	known    bool
	declared []imagepull.Platform
}

// candidates picks the nodes that a pod may run on. A nil spec asks for nothing.
func (all census) candidates(spec *corev1.PodSpec) Candidates {
	if spec == nil {
		spec = &corev1.PodSpec{}
	}
	if rules(spec) > maxRules {
		return Candidates{asked: true, declared: all.declared, expected: expected(all.nodes), pullers: pullersOf(all.nodes)}
	}
	c := Candidates{asked: true, known: all.known, declared: all.declared, pullers: pullersOf(all.nodes), pin: newPin(spec)}
	placement := newPlacement(spec)
	c.nodes = make([]*node, 0, len(all.nodes))
	for _, n := range all.nodes {
		switch placement.of(n) {
		case eligible:
			c.nodes = append(c.nodes, n)
		case resting:
			c.resting = append(c.resting, n)
		case excluded:
		}
	}
	if spec.NodeName != "" && len(c.nodes) == 0 {
		// It is about to join, or was never there.
		c.known = false
	}
	if len(c.nodes) == 0 {
		c.expected = expected(all.nodes)
	}
	return c
}

// expected guesses the platforms of nodes that may come: such as are there already, or else the two that nearly every
// cluster has one of.
func expected(nodes []*node) []imagepull.Platform {
	if platforms := platformsOf(systemsOf(nodes)); len(platforms) > 0 {
		return platforms
	}
	return []imagepull.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
}

// Serve says how an index serves the candidates, by the platforms that it offers, and which platforms it was held against.
func (c Candidates) Serve(offered []imagepull.Platform) (Fit, []imagepull.Platform) {
	fit, wanted := c.serveAll(offered)
	return fit, platformsOf(wanted)
}

func (c Candidates) serveAll(offered []imagepull.Platform) (Fit, []system) {
	switch {
	case len(c.declared) > 0:
		wanted := c.systems(c.within(c.declared))
		return c.serve(offered, wanted), wanted
	case !c.asked:
		return c.serve(offered, nil), nil
	case len(c.nodes) == 0:
		return c.serveComing(offered)
	}
	wanted := systemsOf(c.nodes)
	fit := c.serve(offered, wanted)
	if fit == None && len(c.resting) > 0 {
		// The pod may wait for a node that would do.
		wanted = systemsOf(slices.Concat(c.nodes, c.resting))
		fit = c.serve(offered, wanted)
	}
	return fit, wanted
}

// serveComing is Serve where no node is known that the pod could run on now. Only what holds for every node that may come
// is certain: an index that serves nobody at all, or none of the platforms that the pod itself asks for.
func (c Candidates) serveComing(offered []imagepull.Platform) (Fit, []system) {
	if fit := serveUnknown(offered); fit != All {
		return fit, nil
	}
	if pinned := c.systems(c.pin.platforms("linux", "windows")); len(pinned) > 0 {
		if fit := c.serve(offered, pinned); fit == None || c.pin.isComplete() {
			return fit, pinned
		}
	}
	wanted := c.systems(c.within(c.expected))
	if c.serve(offered, wanted) == All {
		return All, wanted
	}
	return NoCandidate, wanted
}

// within leaves of platforms those that the pod's own selectors allow. Where that leaves nothing, the pod means others.
func (c Candidates) within(platforms []imagepull.Platform) []imagepull.Platform {
	left := slices.DeleteFunc(slices.Clone(platforms), func(p imagepull.Platform) bool { return !c.pin.allows(p) })
	if len(left) > 0 {
		return left
	}
	if pinned := c.pin.platforms("linux"); len(pinned) > 0 {
		return pinned
	}
	return platforms
}
