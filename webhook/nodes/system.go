package nodes

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// system is what decides which images a node takes from an index.
type system struct {
	platform imagepull.Platform
	rule     rule
}

// rule is a container runtime's way with platforms, and with images of the old format.
type rule uint8

const (
	// configured is that of the profile, for nodes that don't tell theirs.
	configured rule = iota
	// exact is that of containerd.
	exact
	// compatible is that of containerd before it came to leave pulls to its transfer service, and of Docker: of what the processor
	// runs, such as 386 on amd64, the best is taken.
	compatible
	// legacy is the same of versions that still convert images of the old format.
	legacy
	// crio is that of CRI-O.
	crio
)

// ruleOf reads a Node's containerRuntimeVersion, such as "containerd://2.4.2".
func ruleOf(runtime string) rule {
	name, number, _ := strings.Cut(runtime, "://")
	isBefore := func(major, minor uint) bool {
		v, err := version.ParseGeneric(number)
		return err == nil && v.LessThan(version.MajorMinor(major, minor))
	}
	switch {
	case name == "cri-o":
		return crio
	case name == "containerd" && isBefore(2, 0), name == "docker" && isBefore(26, 0):
		return legacy
	case name == "containerd" && isBefore(2, 1), name == "docker":
		return compatible
	case name == "containerd":
		return exact
	}
	return configured
}

// rule returns the one that a node follows. Windows nodes have containerd, whatever the others have, and which images they take
// has always been a matter of builds.
func (p Profile) rule(s system) rule {
	switch {
	case s.platform.OS == "windows":
		return exact
	case s.rule == configured && p.Runtime == imagepull.RuntimeCRIO:
		return crio
	case p.LocalImagePull && (s.rule == configured || s.rule == exact):
		return compatible
	case s.rule == configured:
		return exact
	}
	return s.rule
}

func (r rule) matcher(node imagepull.Platform) func(imagepull.Platform) bool {
	switch r {
	case crio:
		return crioMatcher(node)
	case compatible, legacy:
		return compatibleMatcher(node)
	case exact, configured:
	}
	return containerdMatcher(node)
}

// takesBest says that a node takes one image of an index, and which: the best of those that its processor runs.
func (r rule) takesBest() bool { return r == compatible || r == legacy }

// MayTakeSchema1 reports whether a candidate may pull an image of the old schema 1 format.
func (c Candidates) MayTakeSchema1() bool { return c.mayFollow(legacy) || c.mayFollow(crio) }

// MayRunCRIO reports whether a candidate tells that its container runtime is CRI-O.
func (c Candidates) MayRunCRIO() bool { return c.mayFollow(crio) }

func (c Candidates) mayFollow(r rule) bool {
	if len(c.nodes) == 0 {
		return slices.Contains(c.rules, r)
	}
	follows := func(n *node) bool { return n.rule == r }
	return slices.ContainsFunc(c.nodes, follows) || slices.ContainsFunc(c.resting, follows)
}

// rulesOf returns the rules of nodes, each once.
func rulesOf(nodes []*node) []rule {
	var all []rule
	for _, n := range nodes {
		if !slices.Contains(all, n.rule) {
			all = append(all, n.rule)
		}
	}
	return all
}

// systems returns nodes of these platforms, with each of the cluster's rules.
func (c Candidates) systems(platforms []imagepull.Platform) []system {
	var all []system
	for _, p := range platforms {
		for _, r := range c.rules {
			all = append(all, system{p, r})
		}
		if len(c.rules) == 0 {
			all = append(all, system{platform: p})
		}
	}
	return all
}

// systemsOf returns what nodes are, each once, in an order that is always the same: informers have none.
func systemsOf(nodes []*node) []system {
	var all []system
	for _, n := range nodes {
		if s := (system{n.platform, n.rule}); !slices.ContainsFunc(all, s.equals) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b system) int {
		p, q := a.platform, b.platform
		return cmp.Or(
			strings.Compare(p.OS, q.OS), strings.Compare(p.Architecture, q.Architecture), strings.Compare(p.OSVersion, q.OSVersion),
			cmp.Compare(a.rule, b.rule),
		)
	})
	return all
}

func (s system) equals(other system) bool {
	return s.rule == other.rule && samePlatform(s.platform, other.platform)
}

// platformsOf returns the platforms of systems, each once.
func platformsOf(systems []system) []imagepull.Platform {
	var all []imagepull.Platform
	for _, s := range systems {
		all = withPlatform(all, s.platform)
	}
	return all
}

// withPlatform adds a platform to a list that doesn't have it. There are never many of them.
func withPlatform(list []imagepull.Platform, p imagepull.Platform) []imagepull.Platform {
	if slices.ContainsFunc(list, func(other imagepull.Platform) bool { return samePlatform(p, other) }) {
		return list
	}
	return append(list, p)
}

// samePlatform compares platforms of nodes, which want no features.
func samePlatform(a, b imagepull.Platform) bool {
	return a.OS == b.OS && a.Architecture == b.Architecture && a.Variant == b.Variant && a.OSVersion == b.OSVersion
}
