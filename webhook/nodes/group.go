package nodes

import (
	"maps"
	"slices"
)

// group is a set of nodes with the same traits. It counts what their lists of images report, so that an admission reads one group
// and not each node.
type group struct {
	// traits are shared by all nodes, without identifying labels, and with the least allocatable resources.
	traits
	// most are the most allocatable resources that a node of the group may have.
	most  resources
	nodes map[string]*node
	// tallies are for all nodes. They are nil in a part of a group, whose nodes are read one by one.
	tallies map[hash]tally
	// lengths are the numbers of nodes by the length of their list, and longest is the greatest length.
	lengths map[int]int
	longest int
	// loaded is the number of nodes that have a loaded image.
	loaded int
}

// tally is the number of nodes that report a fact, by whether a runtime may have pulled the image.
type tally struct{ pulled, loaded uint32 }

// newGroup returns a group without nodes.
func newGroup(t traits) *group {
	g := &group{
		traits: t, nodes: make(map[string]*node), tallies: make(map[hash]tally), lengths: make(map[int]int),
	}
	g.allocatable, g.most = t.allocatable.bounds()
	return g
}

// part returns a part of the group.
func (g *group) part(nodes map[string]*node) *group { return &group{traits: g.traits, nodes: nodes} }

func (g *group) add(n *node) {
	g.nodes[n.Name] = n
	for _, f := range n.images.facts {
		t := g.tallies[f.hash]
		t.add(f)
		g.tallies[f.hash] = t
	}
	g.lengths[n.images.length]++
	g.longest = max(g.longest, n.images.length)
	if n.images.hasLoaded {
		g.loaded++
	}
}

func (g *group) remove(n *node) {
	delete(g.nodes, n.Name)
	for _, f := range n.images.facts {
		t := g.tallies[f.hash]
		if f.pulled {
			t.pulled--
		} else {
			t.loaded--
		}
		if t == (tally{}) {
			delete(g.tallies, f.hash)
		} else {
			g.tallies[f.hash] = t
		}
	}
	if g.lengths[n.images.length]--; g.lengths[n.images.length] == 0 {
		delete(g.lengths, n.images.length)
		g.longest = slices.Max(append(slices.Collect(maps.Keys(g.lengths)), 0))
	}
	if n.images.hasLoaded {
		g.loaded--
	}
}

func (t *tally) add(f fact) {
	if f.pulled {
		t.pulled++
	} else {
		t.loaded++
	}
}

// tally returns how many nodes report a fact.
func (g *group) tally(h hash) tally {
	if g.tallies != nil {
		return g.tallies[h]
	}
	var t tally
	for _, n := range g.nodes {
		if f, ok := n.images.find(h); ok {
			t.add(f)
		}
	}
	return t
}

// reports reports whether a node reports a fact.
func (g *group) reports(h hash) bool { return g.tally(h) != tally{} }

// mayOmit reports whether the list of a node may omit an image of this size, or of any size if it is zero.
func (g *group) mayOmit(size kibibytes, p Profile) bool {
	if g.tallies != nil && size == 0 {
		return g.lengths[0] > 0 || p.isCutOff(g.longest)
	}
	return g.hasList(func(l *imageList) bool { return l.mayOmit(size, p) })
}

// receivesImages reports whether people load images onto a node of the group.
func (g *group) receivesImages() bool {
	return g.isLocal || g.loaded > 0 || g.tallies == nil && g.hasList(func(l *imageList) bool { return l.hasLoaded })
}

// hasList reports whether the list of a node satisfies a condition. It reads each node.
func (g *group) hasList(condition func(*imageList) bool) bool {
	for _, n := range g.nodes {
		if condition(&n.images) {
			return true
		}
	}
	return false
}
