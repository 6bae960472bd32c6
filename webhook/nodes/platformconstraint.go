package nodes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// platformConstraint is the platform that a pod itself requires, by selectors on the labels that kubelets set. It is valid for
// nodes that join later, too. The terms are alternatives; without any term, every platform is allowed.
type platformConstraint []constraintTerm

// constraintTerm lists the allowed values; nil allows all.
type constraintTerm struct{ systems, architectures []string }

// maxValues is more than the number of systems or architectures. A longer list is ignored, so that the pod's author cannot
// make it expensive.
const maxValues = 16

func newPlatformConstraint(spec *corev1.PodSpec) platformConstraint {
	var c platformConstraint
	for _, term := range requiredTerms(spec) {
		t := constraintTerm{
			systems:       allowedValues(spec.NodeSelector, term, []string{corev1.LabelOSStable, "beta.kubernetes.io/os"}),
			architectures: allowedValues(spec.NodeSelector, term, []string{corev1.LabelArchStable, "beta.kubernetes.io/arch"}),
		}
		if spec.OS != nil {
			t.systems = intersect(t.systems, []string{string(spec.OS.Name)})
		}
		c = append(c, t)
	}
	return c
}

// requiredTerms returns the alternatives of the required node affinity. A pod without affinity has one empty term.
func requiredTerms(spec *corev1.PodSpec) []corev1.NodeSelectorTerm {
	a := spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return []corev1.NodeSelectorTerm{{}}
	}
	return a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
}

// allowedValues returns the values that a node may have for a label with several keys, or nil if it may have any.
func allowedValues(selector map[string]string, term corev1.NodeSelectorTerm, keys []string) []string {
	var values []string
	for _, key := range keys {
		if value, ok := selector[key]; ok {
			values = intersect(values, []string{value})
		}
	}
	for _, r := range term.MatchExpressions {
		if r.Operator == corev1.NodeSelectorOpIn && slices.Contains(keys, r.Key) && len(r.Values) <= maxValues {
			values = intersect(values, r.Values)
		}
	}
	return values
}

// intersect returns the values in both lists. A nil list has all values.
func intersect(values, others []string) []string {
	if values == nil {
		return slices.Clone(others)
	}
	return slices.DeleteFunc(values, func(v string) bool { return !slices.Contains(others, v) })
}

// allows reports whether the pod may run on a node of the platform.
func (c platformConstraint) allows(platform imagepull.Platform) bool {
	return len(c) == 0 || slices.ContainsFunc(c, func(t constraintTerm) bool {
		return (t.systems == nil || slices.Contains(t.systems, platform.OS)) &&
			(t.architectures == nil || slices.Contains(t.architectures, platform.Architecture))
	})
}

// isComplete reports whether every term requires both a system and an architecture.
func (c platformConstraint) isComplete() bool {
	return len(c) > 0 && !slices.ContainsFunc(c, func(t constraintTerm) bool {
		return len(t.systems) == 0 || len(t.architectures) == 0
	})
}

// platforms returns all allowed platforms. A term without systems gets the given ones. The list is empty unless every term
// requires an architecture.
func (c platformConstraint) platforms(systems ...string) []imagepull.Platform {
	var all []imagepull.Platform
	for _, t := range c {
		if len(t.architectures) == 0 {
			return nil
		}
		if t.systems == nil {
			t.systems = systems
		}
		for _, system := range t.systems {
			for _, architecture := range t.architectures {
				all = addPlatform(all, imagepull.Platform{OS: system, Architecture: architecture})
			}
		}
	}
	return all
}
