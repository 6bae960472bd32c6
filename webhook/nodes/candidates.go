package nodes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Candidates are the nodes that one pod may run on. The zero value stands for unknown nodes: they run any platform and have no
// image.
type Candidates struct {
	// fromCluster is set if Node objects are the source, and known if the candidates among them are known.
	fromCluster, known bool
	// The pod may be bound to feasible nodes now, and to unavailable nodes later.
	feasible, unavailable []*node
	// isNarrowed is set if the pod has constraints that Pullgate cannot see. All nodes that it may run on are then unavailable.
	isNarrowed bool
	// cluster are all nodes, also those on which the pod cannot run.
	cluster []*node
	// declared are the configured platforms. They replace the platforms of Node objects.
	declared []imagepull.Platform
	// expected are the platforms of nodes that may join. They are set if no node is feasible.
	expected []imagepull.Platform
	// rules are the pull rules of the cluster's nodes. Nodes that join will have the same.
	rules      []pullRules
	constraint platformConstraint
	profile    Profile
}

// WithProfile returns the candidates as nodes of that profile.
func (c Candidates) WithProfile(p Profile) Candidates {
	c.profile = p
	return c
}

// clusterNodes are the nodes of a cluster, as far as they are known.
type clusterNodes struct {
	nodes    []*node
	known    bool
	declared []imagepull.Platform
}

// candidates returns the nodes that a pod may run on. A nil spec has no constraints.
func (all clusterNodes) candidates(spec *corev1.PodSpec) Candidates {
	if spec == nil {
		spec = &corev1.PodSpec{}
	}
	c := Candidates{fromCluster: true, declared: all.declared, cluster: all.nodes, rules: rulesOf(all.nodes)}
	filter := newFilter(spec)
	if filter.constraints() > maxConstraints {
		c.expected = expectedPlatforms(all.nodes)
		return c
	}
	c.known, c.constraint, c.isNarrowed = all.known, newPlatformConstraint(spec), filter.hasUnseenConstraints()
	c.feasible = make([]*node, 0, len(all.nodes))
	for _, n := range all.nodes {
		switch filter.feasibility(n) {
		case feasible:
			c.feasible = append(c.feasible, n)
		case unavailable:
			c.unavailable = append(c.unavailable, n)
		case infeasible:
		}
	}
	if spec.NodeName != "" && len(c.feasible) == 0 {
		// The named node is about to join, or never existed.
		c.known = false
	}
	if len(c.feasible) == 0 {
		c.expected = expectedPlatforms(all.nodes)
	}
	return c
}

// expectedPlatforms returns the platforms of nodes that may join: the cluster's platforms, or else the two most common ones.
func expectedPlatforms(nodes []*node) []imagepull.Platform {
	if platforms := platformsOf(nodePlatformsOf(nodes)); len(platforms) > 0 {
		return platforms
	}
	return []imagepull.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
}

// schedulable returns the feasible and the unavailable nodes.
func (c Candidates) schedulable() []*node { return slices.Concat(c.feasible, c.unavailable) }

// joining returns nodes whose platform alone is known, with each of the cluster's pull rules.
func (c Candidates) joining(platforms []imagepull.Platform) []nodePlatform {
	var all []nodePlatform
	for _, p := range platforms {
		for _, r := range c.rules {
			all = append(all, nodePlatform{p, r})
		}
		if len(c.rules) == 0 {
			all = append(all, nodePlatform{platform: p})
		}
	}
	return all
}

// allowed returns the platforms that the pod's own selectors allow. If none is left, the pod needs other platforms.
func (c Candidates) allowed(platforms []imagepull.Platform) []imagepull.Platform {
	left := slices.DeleteFunc(slices.Clone(platforms), func(p imagepull.Platform) bool { return !c.constraint.allows(p) })
	if len(left) > 0 {
		return left
	}
	if required := c.constraint.platforms("linux"); len(required) > 0 {
		return required
	}
	return platforms
}
