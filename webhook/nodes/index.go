package nodes

import (
	"fmt"
	"slices"
	"sync"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// index holds the nodes of a cluster in groups. Its zero value has no nodes and is for reading only. The mutex guards all fields;
// readers lock it themselves.
type index struct {
	mu sync.RWMutex
	// generation changes whenever a node joins, leaves, or changes.
	generation uint64
	byKey      map[string]*group
	byNode     map[string]*group
	// groups are the values of byKey.
	groups []*group
	// values are the values of each label, or nil if the label is identifying.
	values map[string]map[string]struct{}
	// owners are the names of the nodes with an identifying label.
	owners map[unique.Handle[label]][]string
}

// Bounds of the labels that distinguish groups.
const (
	// maxLabelValues is the number of values above which a label is identifying: it does not distinguish groups. Examples are the
	// host name and the ID of the machine.
	maxLabelValues = 64
	// maxLabelKeys is the number of labels above which further ones are identifying.
	maxLabelKeys = 512
)

func newIndex() *index {
	return &index{
		byKey: make(map[string]*group), byNode: make(map[string]*group),
		values: make(map[string]map[string]struct{}), owners: make(map[unique.Handle[label]][]string),
	}
}

// put adds a node, or replaces the one with its name.
func (x *index) put(n *node) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if g := x.byNode[n.Name]; g != nil {
		old := g.nodes[n.Name]
		sameTraits := old.equals(&n.traits)
		if sameTraits && old.images.equals(&n.images) {
			// A heartbeat. The store of the informer has the new object, so that the old one must not stay.
			g.nodes[n.Name] = n
			return
		}
		x.generation++
		if sameTraits {
			g.remove(old)
			g.add(n)
			return
		}
		x.remove(old)
	}
	x.generation++
	if x.learn(n.labels) {
		x.regroup()
	}
	x.insert(n)
}

// delete removes a node by its name.
func (x *index) delete(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if g := x.byNode[name]; g != nil {
		x.generation++
		x.remove(g.nodes[name])
	}
}

func (x *index) insert(n *node) {
	t := n.traits
	t.labels = nil
	for _, l := range n.labels {
		if x.isIdentifying(l.Value().key) {
			x.owners[l] = append(x.owners[l], n.Name)
		} else {
			t.labels = append(t.labels, l)
		}
	}
	key := groupKey(&t)
	g := x.byKey[key]
	if g == nil {
		g = newGroup(t)
		x.byKey[key] = g
		x.groups = append(x.groups, g)
	}
	g.add(n)
	x.byNode[n.Name] = g
}

func (x *index) remove(n *node) {
	for _, l := range n.labels {
		if !x.isIdentifying(l.Value().key) {
			continue
		}
		x.owners[l] = slices.DeleteFunc(x.owners[l], func(name string) bool { return name == n.Name })
		if len(x.owners[l]) == 0 {
			delete(x.owners, l)
		}
	}
	g := x.byNode[n.Name]
	delete(x.byNode, n.Name)
	g.remove(n)
	if len(g.nodes) == 0 {
		delete(x.byKey, groupKey(&g.traits))
		x.groups = slices.DeleteFunc(x.groups, func(other *group) bool { return other == g })
	}
}

// regroup groups all nodes again.
func (x *index) regroup() {
	old := x.groups
	x.groups = nil
	clear(x.byKey)
	clear(x.owners)
	for _, g := range old {
		for _, n := range g.nodes {
			x.insert(n)
		}
	}
}

// learn adds the values of a node's labels. It reports whether another label is identifying now. Labels remain identifying, so that a
// cluster at the limit does not group its nodes again and again.
func (x *index) learn(labels []unique.Handle[label]) (changed bool) {
	for _, l := range labels {
		l := l.Value()
		values, ok := x.values[l.key]
		switch {
		case !ok && len(x.values) >= maxLabelKeys:
			// It is identifying by its absence.
		case !ok:
			x.values[l.key] = map[string]struct{}{l.value: {}}
		case values != nil:
			values[l.value] = struct{}{}
			if len(values) > maxLabelValues {
				x.values[l.key], changed = nil, true
			}
		}
	}
	return changed
}

// isIdentifying reports whether a label has too many values to distinguish groups.
func (x *index) isIdentifying(key string) bool {
	values, ok := x.values[key]
	return ok && values == nil || !ok && len(x.values) >= maxLabelKeys
}

// namesFor returns the names of the only nodes that a filter may select, if the pod names its node or selects by an identifying
// label. A pod of a DaemonSet names its node in each term of its affinity.
func (x *index) namesFor(f *filter) (names []string, ok bool) {
	if f.spec.NodeName != "" {
		return []string{f.spec.NodeName}, true
	}
	for _, l := range f.selector {
		if x.isIdentifying(l.Value().key) {
			return x.owners[l], true
		}
	}
	for _, term := range requiredTerms(f.spec) {
		isField := func(r corev1.NodeSelectorRequirement) bool {
			return r.Operator == corev1.NodeSelectorOpIn && r.Key == metav1.ObjectNameField
		}
		isLabel := func(r corev1.NodeSelectorRequirement) bool {
			return r.Operator == corev1.NodeSelectorOpIn && x.isIdentifying(r.Key)
		}
		if i := slices.IndexFunc(term.MatchFields, isField); i >= 0 {
			names = append(names, term.MatchFields[i].Values...)
		} else if i := slices.IndexFunc(term.MatchExpressions, isLabel); i >= 0 {
			r := term.MatchExpressions[i]
			for _, value := range r.Values {
				names = append(names, x.owners[unique.Make(label{r.Key, value})]...)
			}
		} else {
			return nil, false
		}
	}
	slices.Sort(names)
	return slices.Compact(names), true
}

// groupKey returns a text that is the same for the same traits, with similar allocatable resources.
func groupKey(t *traits) string {
	var text []byte
	for _, l := range t.labels {
		text = fmt.Appendf(text, "%q=%q ", l.Value().key, l.Value().value)
	}
	for _, taint := range t.taints {
		text = fmt.Appendf(text, "%q=%q:%q ", taint.Key, taint.Value, taint.Effect)
	}
	least, _ := t.allocatable.bounds()
	text = fmt.Appendf(text, "%d %d %d", least.milliCPU, least.memory, least.ephemeralStorage)
	for _, a := range least.others {
		text = fmt.Appendf(text, " %q=%d", a.name.Value(), a.value)
	}
	return string(fmt.Appendf(text, " %q/%q/%q %q %t %t",
		t.platform.OS, t.platform.Architecture, t.platform.OSVersion, t.runtime.Value(), t.verifies, t.isLocal))
}
