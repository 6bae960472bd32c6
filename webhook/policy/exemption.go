package policy

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// Exemption is the kind of an exemption, for the audit and the log.
type Exemption string

// The exemptions, in the order in which they are compared.
const (
	ExemptUsername     Exemption = "username"
	ExemptGroup        Exemption = "group"
	ExemptNamespace    Exemption = "namespace"
	ExemptRuntimeClass Exemption = "runtimeClass"
	ExemptPodLabels    Exemption = "podLabels"
)

// Exemptions select the objects whose images are not checked, as the exemptions of Pod Security admission do. The zero value selects
// none.
//
// Only the configuration has exemptions: the author of a pod chooses its runtime class and its labels.
type Exemptions struct {
	Usernames, Groups, Namespaces, RuntimeClasses []string
	// Pods selects pods by their labels, and templates by the labels of their pods. Nil selects none.
	Pods labels.Selector
}

// Subject holds the properties of a request that Exemptions select by.
type Subject struct {
	Username     string
	Groups       []string
	Namespace    string
	RuntimeClass string
	PodLabels    map[string]string
}

// ExemptedBy returns the first exemption that selects the subject, or "".
func (e Exemptions) ExemptedBy(s Subject) Exemption {
	switch {
	case slices.Contains(e.Usernames, s.Username):
		return ExemptUsername
	case slices.ContainsFunc(s.Groups, func(group string) bool { return slices.Contains(e.Groups, group) }):
		return ExemptGroup
	case slices.Contains(e.Namespaces, s.Namespace):
		return ExemptNamespace
	case slices.Contains(e.RuntimeClasses, s.RuntimeClass):
		return ExemptRuntimeClass
	case e.Pods != nil && e.Pods.Matches(labels.Set(s.PodLabels)):
		return ExemptPodLabels
	}
	return ""
}
