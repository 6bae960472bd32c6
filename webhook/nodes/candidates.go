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
	feasible, unavailable []*group
	// isNarrowed is set if the pod has constraints that Pullgate cannot see. All nodes that it may run on are then unavailable.
	isNarrowed bool
	// cluster are all nodes, also those on which the pod cannot run, and generation counts the changes of its groups.
	cluster    clusterNodes
	generation uint64
	spec       *corev1.PodSpec
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
	*index
	known bool
	// declared are the configured platforms. They replace the platforms of Node objects.
	declared []imagepull.Platform
}

// candidates returns the nodes that a pod may run on. A nil spec has no constraints.
func (all clusterNodes) candidates(spec *corev1.PodSpec) Candidates {
	if spec == nil {
		spec = &corev1.PodSpec{}
	}
	f := newFilter(spec)
	all.mu.RLock()
	defer all.mu.RUnlock()
	return all.filtered(f)
}

// filtered returns the nodes that a filter selects. The caller holds the lock.
func (all clusterNodes) filtered(f *filter) Candidates {
	c := Candidates{fromCluster: true, cluster: all, generation: all.generation, spec: f.spec, rules: rulesOf(all.groups)}
	if f.constraints() > maxConstraints {
		c.expected = expectedPlatforms(all.groups)
		return c
	}
	c.known, c.constraint, c.isNarrowed = all.known, newPlatformConstraint(f.spec), f.hasUnseenConstraints()
	c.addNodes(f)
	if len(c.feasible) == 0 {
		// A node that the pod names is about to join, or never existed.
		c.known = c.known && f.spec.NodeName == ""
		c.expected = expectedPlatforms(all.groups)
	}
	return c
}

// addNodes adds the groups of nodes that a filter selects. If it distinguishes the nodes of a group, the parts of the group are added.
func (c *Candidates) addNodes(f *filter) {
	if names, ok := c.cluster.namesFor(f); ok {
		for _, name := range names {
			if g := c.cluster.byNode[name]; g != nil {
				c.addParts(f, g, map[string]*node{name: g.nodes[name]})
			}
		}
		return
	}
	distinguishes := f.distinguishes(c.cluster.isIdentifying)
	for _, g := range c.cluster.groups {
		if distinguishes || g.allocatable.roomFor(&f.requests) != g.most.roomFor(&f.requests) {
			c.addParts(f, g, g.nodes)
		} else {
			c.add(g, f.feasibility("", &g.traits))
		}
	}
}

// addParts filters nodes of a group one by one.
func (c *Candidates) addParts(f *filter, g *group, nodes map[string]*node) {
	parts := make(map[feasibility]map[string]*node)
	for name, n := range nodes {
		result := f.feasibility(name, &n.traits)
		if result == infeasible {
			continue
		}
		if parts[result] == nil {
			parts[result] = make(map[string]*node)
		}
		parts[result][name] = n
	}
	for result, part := range parts {
		c.add(g.part(part), result)
	}
}

func (c *Candidates) add(g *group, f feasibility) {
	switch f {
	case feasible:
		c.feasible = append(c.feasible, g)
	case unavailable:
		c.unavailable = append(c.unavailable, g)
	case infeasible:
	}
}

// latest returns the candidates of this moment, and a function that unlocks the groups. Nodes may have changed their group since the
// pod's candidates were selected, and a node that has the image could be missed.
func (c Candidates) latest() (latest Candidates, unlock func()) {
	x := c.cluster.index
	if x == nil {
		return c, func() {}
	}
	x.mu.RLock()
	if c.generation == x.generation {
		return c, x.mu.RUnlock
	}
	latest = c.cluster.filtered(newFilter(c.spec))
	latest.profile, latest.fromCluster = c.profile, c.fromCluster
	return latest, x.mu.RUnlock
}

// expectedPlatforms returns the platforms of nodes that may join: the cluster's platforms, or else the two most common ones.
func expectedPlatforms(groups []*group) []imagepull.Platform {
	if platforms := platformsOf(nodePlatformsOf(groups)); len(platforms) > 0 {
		return platforms
	}
	return []imagepull.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
}

// schedulable returns the feasible and the unavailable nodes.
func (c Candidates) schedulable() []*group { return slices.Concat(c.feasible, c.unavailable) }

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
