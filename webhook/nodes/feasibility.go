package nodes

import (
	"slices"
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// feasibility is the result of the scheduler's filters for a pod and a node.
type feasibility uint8

const (
	// infeasible: the pod does not run on the node.
	infeasible feasibility = iota
	// unavailable: a transient state excludes the pod, such as a cordon or a node that is not ready. Or the pod has constraints
	// that may still change, or that Pullgate cannot see.
	unavailable
	// feasible: the pod may be bound to the node.
	feasible
)

// maxConstraints bounds the constraints of one pod, since its author controls their number and each is compared with every
// group of nodes. Real pods have far fewer. Above it, the nodes count as unknown.
const maxConstraints = 256

// filter holds the constraints of a pod, parsed once for many nodes. It is for one goroutine.
type filter struct {
	spec *corev1.PodSpec
	// selector are the labels that a node must have.
	selector []unique.Handle[label]
	// affinity is nil if the pod has no node affinity. It reads the labels keys from node, which is reused.
	affinity *nodeaffinity.RequiredNodeAffinity
	keys     []string
	node     corev1.Node
	requests resources
}

func newFilter(spec *corev1.PodSpec) *filter {
	f := &filter{spec: spec, selector: newLabels(spec.NodeSelector), requests: requestsOf(spec)}
	if spec.Affinity == nil || spec.Affinity.NodeAffinity == nil {
		return f
	}
	f.affinity = new(nodeaffinity.NewRequiredNodeAffinity(nil, spec.Affinity))
	for _, term := range requiredTerms(spec) {
		for _, r := range term.MatchExpressions {
			f.keys = append(f.keys, r.Key)
		}
	}
	slices.Sort(f.keys)
	f.keys = slices.Compact(f.keys)
	f.node.Labels = make(map[string]string, len(f.keys))
	return f
}

// distinguishes reports whether the pod selects by names of nodes or by identifying labels.
func (f *filter) distinguishes(isIdentifying func(key string) bool) bool {
	return slices.ContainsFunc(f.selector, func(l unique.Handle[label]) bool { return isIdentifying(l.Value().key) }) ||
		slices.ContainsFunc(f.keys, isIdentifying) ||
		slices.ContainsFunc(requiredTerms(f.spec), func(t corev1.NodeSelectorTerm) bool { return len(t.MatchFields) > 0 })
}

// constraints returns the number of constraints that are compared with each group of nodes.
func (f *filter) constraints() int {
	n := len(f.spec.NodeSelector) + len(f.spec.Tolerations) + len(f.requests.others)
	for _, term := range requiredTerms(f.spec) {
		n += 1 + len(term.MatchExpressions) + len(term.MatchFields)
	}
	return n
}

// feasibility returns whether the pod may run on a node with these traits. The name is empty if it does not matter. A pod that
// names its node is scheduled already, and taints do not matter. The scheduler ignores the operating system in the spec, but a
// kubelet of another one rejects the pod before any pull.
func (f *filter) feasibility(name string, t *traits) feasibility {
	if f.spec.NodeName != "" {
		if f.spec.NodeName == name {
			return feasible
		}
		return infeasible
	}
	if f.spec.OS != nil && t.platform.OS != "" && string(f.spec.OS.Name) != t.platform.OS {
		return infeasible
	}
	switch {
	case !f.matchesAffinity(name, t.labels):
		return infeasible
	case f.isOpen():
		return unavailable
	case f.hasUntoleratedTaint(t.taints, func(t *corev1.Taint) bool { return !isTransient(t) }):
		return infeasible
	}
	switch t.allocatable.roomFor(&f.requests) {
	case tooSmall:
		return infeasible
	case noDevice:
		return unavailable
	case enough:
	}
	if f.hasUnseenConstraints() || f.hasUntoleratedTaint(t.taints, isTransient) {
		return unavailable
	}
	return feasible
}

// hasUnseenConstraints reports whether the pod needs a device of a resource claim, or a volume. Each may be on some of the nodes
// only, and Pullgate does not read these objects (kube-scheduler: plugins dynamicresources and volumebinding).
func (f *filter) hasUnseenConstraints() bool {
	return len(f.spec.ResourceClaims) > 0 || slices.ContainsFunc(f.spec.Volumes, func(v corev1.Volume) bool {
		return v.PersistentVolumeClaim != nil || v.Ephemeral != nil
	})
}

// isOpen reports whether the constraints of the pod may still change, or another scheduler applies them. Its selectors and
// required affinity stay valid in any case.
//
//   - Until its gates are gone, selectors and tolerations may be added (kubernetes: pkg/apis/core/validation/validation.go,
//     ValidatePodUpdate).
//   - Its runtime class may add them, too.
//   - A scheduler other than the default one may treat taints differently, and may create a node for the pod, as EKS does for
//     Fargate. The kubelet itself checks selectors and affinity (kubernetes: pkg/kubelet/lifecycle/predicate.go).
func (f *filter) isOpen() bool {
	scheduler := f.spec.SchedulerName
	return len(f.spec.SchedulingGates) > 0 || f.spec.RuntimeClassName != nil ||
		scheduler != "" && scheduler != corev1.DefaultSchedulerName
}

// matchesAffinity reports whether a node matches the pod's selectors and required affinity.
func (f *filter) matchesAffinity(name string, labels []unique.Handle[label]) bool {
	for _, l := range f.selector {
		if !slices.Contains(labels, l) {
			return false
		}
	}
	if f.affinity == nil {
		return true
	}
	f.node.Name = name
	clear(f.node.Labels)
	for _, key := range f.keys {
		i, ok := slices.BinarySearchFunc(labels, key, func(l unique.Handle[label], key string) int {
			return strings.Compare(l.Value().key, key)
		})
		if ok {
			f.node.Labels[key] = labels[i].Value().value
		}
	}
	// As in the scheduler, a term that cannot be parsed matches nothing.
	matches, err := f.affinity.Match(&f.node)
	return err == nil && matches
}

// hasUntoleratedTaint reports whether one of the taints is selected by include and not tolerated by the pod.
func (f *filter) hasUntoleratedTaint(taints []corev1.Taint, include func(*corev1.Taint) bool) bool {
	if len(taints) == 0 {
		return false
	}
	// The API server stores tolerations that compare numbers only if the scheduler supports them.
	_, untolerated := schedulinghelpers.FindMatchingUntoleratedTaint(klog.Logger{}, taints, f.spec.Tolerations, include, true)
	return untolerated
}
