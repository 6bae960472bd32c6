package nodes

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// pullRules are the rules by which a container runtime chooses index entries and accepts old image formats.
type pullRules uint8

const (
	// profileRules: the rules of the profile, for nodes that do not report their runtime.
	profileRules pullRules = iota
	// containerdTransfer: containerd pulls by its transfer service. Takes only the node's exact platform.
	containerdTransfer
	// containerdCRI: Docker, and containerd before 2.1, which pulls by its CRI plugin. Takes the best entry that the CPU can
	// run, such as 386 on amd64.
	containerdCRI
	// containerd1: as containerdCRI, in versions that still convert schema 1 images.
	containerd1
	// crio: CRI-O.
	crio
)

// rulesForRuntime parses a Node's containerRuntimeVersion, such as "containerd://2.4.2".
func rulesForRuntime(runtime string) pullRules {
	name, number, _ := strings.Cut(runtime, "://")
	isBefore := func(major, minor uint) bool {
		v, err := version.ParseGeneric(number)
		return err == nil && v.LessThan(version.MajorMinor(major, minor))
	}
	switch {
	case name == "cri-o":
		return crio
	case name == "containerd" && isBefore(2, 0), name == "docker" && isBefore(26, 0):
		return containerd1
	case name == "containerd" && isBefore(2, 1), name == "docker":
		return containerdCRI
	case name == "containerd":
		return containerdTransfer
	}
	return profileRules
}

// rulesOf returns the distinct rules of nodes.
func rulesOf(groups []*group) []pullRules {
	var all []pullRules
	for _, g := range groups {
		if !slices.Contains(all, g.rules) {
			all = append(all, g.rules)
		}
	}
	slices.Sort(all)
	return all
}

// rulesFor returns the rules of a node. Windows nodes run containerd, also in a cluster with other runtimes. Their
// images are matched by the build of Windows in all versions.
func (p Profile) rulesFor(n nodePlatform) pullRules {
	switch {
	case n.platform.OS == "windows":
		return containerdTransfer
	case n.rules == profileRules && p.Runtime == imagepull.RuntimeCRIO:
		return crio
	case p.LocalImagePull && (n.rules == profileRules || n.rules == containerdTransfer):
		return containerdCRI
	case n.rules == profileRules:
		return containerdTransfer
	}
	return n.rules
}

func (r pullRules) matcher(node imagepull.Platform) func(imagepull.Platform) bool {
	switch r {
	case crio:
		return crioMatcher(node)
	case containerdCRI, containerd1:
		return runnableMatcher(node)
	case containerdTransfer, profileRules:
	}
	return exactMatcher(node)
}

// takesBest reports whether a node takes one entry of an index: the best that its CPU can run.
func (r pullRules) takesBest() bool { return r == containerdCRI || r == containerd1 }

// MayPullSchema1 reports whether a candidate may pull an image of the old schema 1 format.
func (c Candidates) MayPullSchema1() bool { return c.mayHaveRules(containerd1) || c.mayHaveRules(crio) }

// MayRunCRIO reports whether a candidate reports CRI-O as its container runtime.
func (c Candidates) MayRunCRIO() bool { return c.mayHaveRules(crio) }

func (c Candidates) mayHaveRules(r pullRules) bool {
	if len(c.feasible) == 0 {
		return slices.Contains(c.rules, r)
	}
	has := func(g *group) bool { return g.rules == r }
	return slices.ContainsFunc(c.feasible, has) || slices.ContainsFunc(c.unavailable, has)
}
