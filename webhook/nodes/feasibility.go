package nodes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
// node. Real pods have far fewer. Above it, the nodes count as unknown.
const maxConstraints = 256

// filter holds the constraints of a pod, parsed once for many nodes.
type filter struct {
	spec *corev1.PodSpec
	// affinity is nil if the pod has no selectors and no affinity.
	affinity *nodeaffinity.RequiredNodeAffinity
	requests resources
}

func newFilter(spec *corev1.PodSpec) *filter {
	f := &filter{spec: spec, requests: requestsOf(spec)}
	if len(spec.NodeSelector) > 0 || spec.Affinity != nil {
		f.affinity = new(nodeaffinity.NewRequiredNodeAffinity(spec.NodeSelector, spec.Affinity))
	}
	return f
}

// constraints returns the number of constraints that are compared with each node.
func (f *filter) constraints() int {
	n := len(f.spec.NodeSelector) + len(f.spec.Tolerations) + len(f.requests.others)
	for _, term := range requiredTerms(f.spec) {
		n += 1 + len(term.MatchExpressions) + len(term.MatchFields)
	}
	return n
}

// feasibility returns whether the pod may run on a node. A pod that names its node is scheduled already, and taints do not
// matter. The scheduler ignores the operating system in the spec, but a kubelet of another one rejects the pod before any
// pull.
func (f *filter) feasibility(n *node) feasibility {
	if f.spec.NodeName != "" {
		if f.spec.NodeName == n.Name {
			return feasible
		}
		return infeasible
	}
	if f.spec.OS != nil && n.platform.OS != "" && string(f.spec.OS.Name) != n.platform.OS {
		return infeasible
	}
	switch {
	case !f.matchesAffinity(n):
		return infeasible
	case f.isOpen():
		return unavailable
	case f.hasUntoleratedTaint(n, func(t *corev1.Taint) bool { return !isTransient(t) }):
		return infeasible
	}
	switch n.allocatable.roomFor(&f.requests) {
	case tooSmall:
		return infeasible
	case noDevice:
		return unavailable
	case enough:
	}
	if f.hasUnseenConstraints() || f.hasUntoleratedTaint(n, isTransient) {
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

// matchesAffinity reports whether the node matches the pod's selectors and required affinity.
func (f *filter) matchesAffinity(n *node) bool {
	if f.affinity == nil {
		return true
	}
	// As in the scheduler, a term that cannot be parsed matches nothing.
	matches, err := f.affinity.Match(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels}})
	return err == nil && matches
}

// hasUntoleratedTaint reports whether the node has a taint that include selects and that the pod does not tolerate.
func (f *filter) hasUntoleratedTaint(n *node, include func(*corev1.Taint) bool) bool {
	if len(n.taints) == 0 {
		return false
	}
	// The API server stores tolerations that compare numbers only if the scheduler supports them.
	_, untolerated := schedulinghelpers.FindMatchingUntoleratedTaint(klog.Logger{}, n.taints, f.spec.Tolerations, include, true)
	return untolerated
}
