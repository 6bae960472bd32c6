package nodes

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// puller is how a container runtime pulls: its way with platforms, and with images of the old format.
type puller uint8

const (
	// configured is that of the profile, for nodes that don't tell theirs.
	configured puller = iota
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

// pullerOf reads a Node's containerRuntimeVersion, such as "containerd://2.4.2".
func pullerOf(runtime string) puller {
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

// pullersOf returns the pullers of nodes, each once.
func pullersOf(nodes []*node) []puller {
	var all []puller
	for _, n := range nodes {
		if !slices.Contains(all, n.puller) {
			all = append(all, n.puller)
		}
	}
	return all
}

// Profile is what somebody wrote down of the nodes' container runtime: which one those have that don't tell, and how containerd
// pulls. The zero value is a stock containerd.
type Profile struct {
	Runtime imagepull.Runtime
	// LocalImagePull says that it pulls by its CRI plugin, as it did before version 2.1, and not by its transfer service.
	LocalImagePull bool
}

// puller returns the one that a node follows. Windows nodes have containerd, whatever the others have, and which images they take
// has always been a matter of builds.
func (p Profile) puller(s system) puller {
	switch {
	case s.platform.OS == "windows":
		return exact
	case s.puller == configured && p.Runtime == imagepull.RuntimeCRIO:
		return crio
	case p.LocalImagePull && (s.puller == configured || s.puller == exact):
		return compatible
	case s.puller == configured:
		return exact
	}
	return s.puller
}

func (p puller) matcher(node imagepull.Platform) func(imagepull.Platform) bool {
	switch p {
	case crio:
		return crioMatcher(node)
	case compatible, legacy:
		return compatibleMatcher(node)
	case exact, configured:
	}
	return containerdMatcher(node)
}

// takesBest says that a node takes one image of an index, and which: the best of those that its processor runs.
func (p puller) takesBest() bool { return p == compatible || p == legacy }

// MayPullSchema1 reports whether a candidate may pull an image of the old schema 1 format.
func (c Candidates) MayPullSchema1() bool { return c.mayPullAs(legacy) || c.mayPullAs(crio) }

// MayRunCRIO reports whether a candidate tells that its container runtime is CRI-O.
func (c Candidates) MayRunCRIO() bool { return c.mayPullAs(crio) }

func (c Candidates) mayPullAs(p puller) bool {
	if len(c.nodes) == 0 {
		return slices.Contains(c.pullers, p)
	}
	does := func(n *node) bool { return n.puller == p }
	return slices.ContainsFunc(c.nodes, does) || slices.ContainsFunc(c.resting, does)
}
