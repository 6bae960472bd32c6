package nodes

import (
	"slices"
	"strings"

	"github.com/containerd/platforms"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// FetchedEntries returns for each platform of the candidates the entries of an index that a node of it fetches, as positions in what
// is offered; the same ones only once. It reports besides whether the pod can run on no other platform; where none is known
// the choice is empty.
//
// A node fetches every entry of its platform, and every one that names none (containerd: core/images/handlers.go,
// FilterPlatforms). One that takes the best fetches that alone (containerd 1.7: images/handlers.go, LimitManifests).
func (c Candidates) FetchedEntries(offered []imagepull.Platform) (choices [][]int, all bool) {
	wanted, all := c.mayRunOn(offered)
	for _, node := range wanted {
		choice := fetched(offered, node.platform, c.profile.puller(node))
		known := slices.ContainsFunc(choices, func(other []int) bool { return slices.Equal(other, choice) })
		if len(choice) > 0 && !known {
			choices = append(choices, choice)
		}
	}
	return choices, all
}

func fetched(offered []imagepull.Platform, node imagepull.Platform, by puller) []int {
	matches := by.matcher(node)
	var all []int
	for i, p := range offered {
		if isUnnamed(p) || matches(p) {
			all = append(all, i)
		}
	}
	if by.takesBest() && len(all) > 1 {
		return []int{best(all, offered, node)}
	}
	return all
}

// best chooses among entries as a node does: the first of the best kind, and one that names none only where there is no other.
func best(choice []int, offered []imagepull.Platform, node imagepull.Platform) int {
	named := slices.DeleteFunc(slices.Clone(choice), func(i int) bool { return isUnnamed(offered[i]) })
	if len(named) == 0 {
		return choice[0]
	}
	order := platforms.Only(spec(node))
	first := named[0]
	for _, i := range named[1:] {
		if order.Less(spec(offered[i]), spec(offered[first])) {
			first = i
		}
	}
	return first
}

// mayRunOn returns what all nodes are that the pod may come to run on, and reports whether there can be no others.
func (c Candidates) mayRunOn(offered []imagepull.Platform) (wanted []system, all bool) {
	switch {
	case len(c.declared) > 0:
		return c.systems(c.within(c.declared)), true
	case !c.asked:
		return nil, false
	case len(c.nodes) == 0:
		_, coming := c.serveComing(offered)
		return coming, c.pin.isComplete()
	}
	return systemsOf(slices.Concat(c.nodes, c.resting)), true
}

// Runs reports whether a candidate may be able to run what was built for a platform, and which platforms it was held
// against. A processor runs older kinds of code too, which is more than a node takes from an index.
func (c Candidates) CanRun(p imagepull.Platform) (bool, []imagepull.Platform) {
	p.OSVersion, p.OSFeatures = "", nil
	fit, wanted := c.Serve([]imagepull.Platform{p})
	if fit != None && fit != Some {
		return true, wanted
	}
	return slices.ContainsFunc(wanted, func(node imagepull.Platform) bool {
		return platforms.Only(spec(node)).Match(spec(p))
	}), wanted
}

// MayHaveLayers reports whether a candidate may hold a part of an image with this digest: from one of its repository, from the
// same one by another name, or from one that it doesn't report. Images that share layers are most often versions of each
// other.
func (c Candidates) MayHaveLayers(repository, digest string) bool {
	if c.asked && !c.known {
		return true
	}
	return slices.ContainsFunc(slices.Concat(c.nodes, c.resting), func(n *node) bool {
		return n.images.partial || n.images.hasKin(repository, digest)
	})
}

// hasKin reports whether an image of the repository, or with the digest, is on the list.
func (l *imageList) hasKin(repository, digest string) bool {
	return slices.ContainsFunc(l.names, func(n imageName) bool {
		name := n.name.Value()
		return repositoryOf(name) == repository || strings.HasSuffix(name, "@"+digest)
	})
}
