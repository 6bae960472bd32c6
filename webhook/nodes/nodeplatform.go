package nodes

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// nodePlatform is a platform with the pull rules of its nodes. Both decide which entries of an index a node takes.
type nodePlatform struct {
	platform imagepull.Platform
	rules    pullRules
}

// nodePlatformsOf returns the distinct platforms of nodes. It sorts them, because groups have no order.
func nodePlatformsOf(groups []*group) []nodePlatform {
	var all []nodePlatform
	for _, g := range groups {
		if p := (nodePlatform{g.platform, g.rules}); !slices.ContainsFunc(all, p.equals) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b nodePlatform) int {
		p, q := a.platform, b.platform
		return cmp.Or(
			strings.Compare(p.OS, q.OS), strings.Compare(p.Architecture, q.Architecture), strings.Compare(p.OSVersion, q.OSVersion),
			cmp.Compare(a.rules, b.rules),
		)
	})
	return all
}

func (p nodePlatform) equals(other nodePlatform) bool {
	return p.rules == other.rules && samePlatform(p.platform, other.platform)
}

// platformsOf returns the distinct platforms, without their pull rules.
func platformsOf(nodes []nodePlatform) []imagepull.Platform {
	var all []imagepull.Platform
	for _, n := range nodes {
		all = addPlatform(all, n.platform)
	}
	return all
}

// addPlatform adds a platform that the list does not have. Lists are short.
func addPlatform(list []imagepull.Platform, p imagepull.Platform) []imagepull.Platform {
	if slices.ContainsFunc(list, func(other imagepull.Platform) bool { return samePlatform(p, other) }) {
		return list
	}
	return append(list, p)
}

// samePlatform compares platforms of nodes, which have no required features.
func samePlatform(a, b imagepull.Platform) bool {
	return a.OS == b.OS && a.Architecture == b.Architecture && a.Variant == b.Variant && a.OSVersion == b.OSVersion
}
