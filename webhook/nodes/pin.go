package nodes

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// pin is what a pod itself says of its node's platform, by selectors on the labels that kubelets set. It holds for nodes
// too that are not there yet. Any of its terms may be the one that counts; a pin without terms says nothing.
type pin []pinTerm

// maxValues is more than there are systems or architectures. A longer list of them says nothing, and costs nothing.
const maxValues = 16

// pinTerm lists what it allows; nil allows everything.
type pinTerm struct{ systems, architectures []string }

func newPin(spec *corev1.PodSpec) pin {
	var p pin
	for _, term := range requiredTerms(spec) {
		t := pinTerm{
			systems:       allowed(spec.NodeSelector, term, []string{corev1.LabelOSStable, "beta.kubernetes.io/os"}),
			architectures: allowed(spec.NodeSelector, term, []string{corev1.LabelArchStable, "beta.kubernetes.io/arch"}),
		}
		if spec.OS != nil {
			t.systems = narrow(t.systems, []string{string(spec.OS.Name)})
		}
		p = append(p, t)
	}
	return p
}

// requiredTerms returns the alternatives of the required node affinity; none counts as one that asks for nothing.
func requiredTerms(spec *corev1.PodSpec) []corev1.NodeSelectorTerm {
	a := spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return []corev1.NodeSelectorTerm{{}}
	}
	return a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
}

// allowed returns the values that a node may have for a label, which goes by several keys; nil when any will do.
func allowed(selector map[string]string, term corev1.NodeSelectorTerm, keys []string) []string {
	var values []string
	for _, key := range keys {
		if value, ok := selector[key]; ok {
			values = narrow(values, []string{value})
		}
	}
	for _, r := range term.MatchExpressions {
		if r.Operator == corev1.NodeSelectorOpIn && slices.Contains(keys, r.Key) && len(r.Values) <= maxValues {
			values = narrow(values, r.Values)
		}
	}
	return values
}

// narrow returns the values that are allowed so far and by what is asked besides.
func narrow(values, asked []string) []string {
	if values == nil {
		return slices.Clone(asked)
	}
	return slices.DeleteFunc(values, func(v string) bool { return !slices.Contains(asked, v) })
}

// allows reports whether a node of the platform would do.
func (p pin) allows(platform imagepull.Platform) bool {
	return len(p) == 0 || slices.ContainsFunc(p, func(t pinTerm) bool {
		return (t.systems == nil || slices.Contains(t.systems, platform.OS)) &&
			(t.architectures == nil || slices.Contains(t.architectures, platform.Architecture))
	})
}

// isComplete reports whether every term says both the system and the architecture.
func (p pin) isComplete() bool {
	return len(p) > 0 && !slices.ContainsFunc(p, func(t pinTerm) bool {
		return len(t.systems) == 0 || len(t.architectures) == 0
	})
}

// platforms returns all that the pin allows, with these systems where it names none. It is empty unless every term names
// an architecture.
func (p pin) platforms(systems ...string) []imagepull.Platform {
	var all []imagepull.Platform
	for _, t := range p {
		if len(t.architectures) == 0 {
			return nil
		}
		if t.systems == nil {
			t.systems = systems
		}
		for _, system := range t.systems {
			for _, architecture := range t.architectures {
				all = withPlatform(all, imagepull.Platform{OS: system, Architecture: architecture})
			}
		}
	}
	return all
}
