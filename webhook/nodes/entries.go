package nodes

import (
	"slices"

	"github.com/containerd/platforms"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// FetchedEntries returns for each platform of the candidates the entries of an index that its nodes fetch, as positions in
// offered. Equal lists are returned once. It also reports whether the pod can run on no other platform. The lists are empty
// if no platform is known.
//
// A node fetches every entry of its platform, and every entry without a platform (containerd: core/images/handlers.go,
// FilterPlatforms). If its rules take the best entry, it fetches only that one (containerd 1.7: images/handlers.go,
// LimitManifests).
func (c Candidates) FetchedEntries(offered []imagepull.Platform) (entries [][]int, all bool) {
	nodes, all := c.possiblePlatforms(offered)
	for _, n := range nodes {
		fetched := fetchedEntries(offered, n.platform, c.profile.rulesFor(n))
		isKnown := slices.ContainsFunc(entries, func(other []int) bool { return slices.Equal(other, fetched) })
		if len(fetched) > 0 && !isKnown {
			entries = append(entries, fetched)
		}
	}
	return entries, all
}

func fetchedEntries(offered []imagepull.Platform, node imagepull.Platform, rules pullRules) []int {
	matches := rules.matcher(node)
	var all []int
	for i, p := range offered {
		if hasNoPlatform(p) || matches(p) {
			all = append(all, i)
		}
	}
	if rules.takesBest() && len(all) > 1 {
		return []int{bestEntry(all, offered, node)}
	}
	return all
}

// bestEntry returns the first entry of the best platform. Entries without a platform count only if no other entry is left.
func bestEntry(entries []int, offered []imagepull.Platform, node imagepull.Platform) int {
	named := slices.DeleteFunc(slices.Clone(entries), func(i int) bool { return hasNoPlatform(offered[i]) })
	if len(named) == 0 {
		return entries[0]
	}
	order := platforms.Only(ociPlatform(node))
	best := named[0]
	for _, i := range named[1:] {
		if order.Less(ociPlatform(offered[i]), ociPlatform(offered[best])) {
			best = i
		}
	}
	return best
}

// possiblePlatforms returns the platforms of all nodes that the pod may run on now or later, and reports whether these are all.
func (c Candidates) possiblePlatforms(offered []imagepull.Platform) (nodes []nodePlatform, all bool) {
	switch {
	case len(c.cluster.declared) > 0:
		return c.joining(c.allowed(c.cluster.declared)), true
	case !c.fromCluster:
		return nil, false
	case len(c.feasible) == 0:
		_, joining := c.serveJoining(offered)
		return joining, c.constraint.isComplete()
	}
	return nodePlatformsOf(c.schedulable()), true
}

// CanRun reports whether a candidate may be able to run a program for a platform, and returns the platforms of the nodes with
// which it was compared. A CPU runs older architectures too, though its node does not take them from an index.
func (c Candidates) CanRun(p imagepull.Platform) (bool, []imagepull.Platform) {
	p.OSVersion, p.OSFeatures = "", nil
	fit, compared := c.Serve([]imagepull.Platform{p})
	if fit != None && fit != Some {
		return true, compared
	}
	return slices.ContainsFunc(compared, func(node imagepull.Platform) bool {
		return platforms.Only(ociPlatform(node)).Match(ociPlatform(p))
	}), compared
}
