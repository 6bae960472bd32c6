package nodes

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// system is what decides which images a node takes from an index.
type system struct {
	platform imagepull.Platform
	puller   puller
}

// systems returns nodes of these platforms, with each of the cluster's pullers.
func (c Candidates) systems(platforms []imagepull.Platform) []system {
	var all []system
	for _, p := range platforms {
		for _, r := range c.pullers {
			all = append(all, system{p, r})
		}
		if len(c.pullers) == 0 {
			all = append(all, system{platform: p})
		}
	}
	return all
}

// systemsOf returns what nodes are, each once, in an order that is always the same: informers have none.
func systemsOf(nodes []*node) []system {
	var all []system
	for _, n := range nodes {
		if s := (system{n.platform, n.puller}); !slices.ContainsFunc(all, s.equals) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b system) int {
		p, q := a.platform, b.platform
		return cmp.Or(
			strings.Compare(p.OS, q.OS), strings.Compare(p.Architecture, q.Architecture), strings.Compare(p.OSVersion, q.OSVersion),
			cmp.Compare(a.puller, b.puller),
		)
	})
	return all
}

func (s system) equals(other system) bool {
	return s.puller == other.puller && samePlatform(s.platform, other.platform)
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
