package nodes

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// standing is how a node stands to a pod.
type standing uint8

const (
	// excluded: the pod does not go there.
	excluded standing = iota
	// resting: nothing keeps the pod off but what passes, such as a cordon or a node that is not ready; or what is still open.
	resting
	// eligible: the pod may be bound to it.
	eligible
)

// maxRules bounds what one pod may ask of every node. Nobody needs so many rules, but whoever wrote tens of thousands of them
// could keep Pullgate busy for long: to such a pod no node is known.
const maxRules = 256

// rules counts what is held against each node.
func rules(spec *corev1.PodSpec) int {
	n := len(spec.NodeSelector) + len(spec.Tolerations)
	for _, term := range requiredTerms(spec) {
		n += 1 + len(term.MatchExpressions) + len(term.MatchFields)
	}
	return n
}

// placement is what a pod asks of a node, prepared for many of them.
type placement struct {
	spec *corev1.PodSpec
	// affinity is nil where labels don't count.
	affinity *nodeaffinity.RequiredNodeAffinity
}

func newPlacement(spec *corev1.PodSpec) placement {
	if len(spec.NodeSelector) == 0 && spec.Affinity == nil {
		return placement{spec: spec}
	}
	return placement{spec, new(nodeaffinity.NewRequiredNodeAffinity(spec.NodeSelector, spec.Affinity))}
}

// of says how a node stands to the pod. A pod that names its node has the scheduler behind it, and taints don't count. The
// operating system in the spec does not steer the scheduler, but a kubelet of another one rejects the pod before any pull.
func (p placement) of(n *node) standing {
	if p.spec.NodeName != "" {
		return standingIf(p.spec.NodeName == n.Name)
	}
	if p.spec.OS != nil && n.platform.OS != "" && string(p.spec.OS.Name) != n.platform.OS {
		return excluded
	}
	switch {
	case !p.attracted(n):
		return excluded
	case p.isOpen():
		return resting
	case p.repelled(n, func(t *corev1.Taint) bool { return !passes(t) }):
		return excluded
	case p.repelled(n, passes):
		return resting
	}
	return eligible
}

// isOpen reports whether it takes more than the pod to tell where it goes. What it wants of its node holds all the same.
//
//   - Until its gates are gone, selectors and tolerations may be added (kubernetes: pkg/apis/core/validation/validation.go,
//     ValidatePodUpdate).
//   - So they may by its runtime class.
//   - Another scheduler than Kubernetes' own may see taints in its own way, and may bring a node for the pod that is not there
//     yet, as EKS does for Fargate. The kubelet looks at what the pod wants of its node itself (kubernetes:
//     pkg/kubelet/lifecycle/predicate.go).
func (p placement) isOpen() bool {
	scheduler := p.spec.SchedulerName
	return len(p.spec.SchedulingGates) > 0 || p.spec.RuntimeClassName != nil ||
		scheduler != "" && scheduler != corev1.DefaultSchedulerName
}

// attracted reports whether the node has what the pod wants it to have.
func (p placement) attracted(n *node) bool {
	if p.affinity == nil {
		return true
	}
	// As for the scheduler, a term that can't be parsed matches nothing.
	fits, err := p.affinity.Match(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels}})
	return err == nil && fits
}

// repelled reports whether the pod does not tolerate one of the node's taints of a sort.
func (p placement) repelled(n *node, sort func(*corev1.Taint) bool) bool {
	if len(n.taints) == 0 {
		return false
	}
	// Tolerations that compare numbers are only stored where the scheduler understands them.
	_, repelled := schedulinghelpers.FindMatchingUntoleratedTaint(klog.Logger{}, n.taints, p.spec.Tolerations, sort, true)
	return repelled
}

func standingIf(goes bool) standing {
	if goes {
		return eligible
	}
	return excluded
}
