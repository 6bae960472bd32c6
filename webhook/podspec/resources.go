package podspec

import (
	"bytes"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// resources are the resources of a container or a pod.
type resources struct {
	Requests quantities `json:"requests"`
	Limits   quantities `json:"limits"`
}

// quantities is a short list of resources. A map of two resources takes five times the memory.
type quantities []quantity

type quantity struct {
	name  corev1.ResourceName
	value resource.Quantity
}

// UnmarshalJSON leaves out what is not a quantity: the API server rejects such a pod anyway, for a reason that is not about
// pulls. Names and quantities that it accepts contain no comma, colon or quote, and it escapes none of their characters.
func (q *quantities) UnmarshalJSON(raw []byte) error {
	*q = nil
	members, isObject := bytes.CutPrefix(raw, []byte("{"))
	if !isObject {
		return nil
	}
	for member := range bytes.SplitSeq(bytes.TrimSuffix(members, []byte("}")), []byte(",")) {
		name, text, _ := bytes.Cut(member, []byte(":"))
		text = bytes.TrimSpace(text)
		var value resource.Quantity
		if isShort(text) && value.UnmarshalJSON(text) == nil {
			q.set(resourceName(bytes.Trim(name, "\" \t\r\n")), value)
		}
	}
	return nil
}

// resourceName allocates no memory for the most common names.
func resourceName(name []byte) corev1.ResourceName {
	switch string(name) {
	case string(corev1.ResourceCPU):
		return corev1.ResourceCPU
	case string(corev1.ResourceMemory):
		return corev1.ResourceMemory
	}
	return corev1.ResourceName(name)
}

// isShort reports whether a quantity may be parsed: the time to parse one is exponential in the length of its exponent.
func isShort(raw []byte) bool {
	const maxLength, maxExponent = 64, 4
	exponent := bytes.IndexAny(raw, "eE")
	return len(raw) <= maxLength && (exponent < 0 || len(bytes.Trim(raw[exponent+1:], `"`)) <= maxExponent)
}

func (q quantities) index(name corev1.ResourceName) int {
	return slices.IndexFunc(q, func(other quantity) bool { return other.name == name })
}

// set sets the quantity of a resource. Most lists have two.
func (q *quantities) set(name corev1.ResourceName, value resource.Quantity) {
	if i := q.index(name); i >= 0 {
		(*q)[i].value = value
		return
	}
	if *q == nil {
		*q = make(quantities, 0, 2)
	}
	*q = append(*q, quantity{name, value})
}

// add adds the quantities of other resources.
func (q *quantities) add(others quantities) {
	for _, other := range others {
		if i := q.index(other.name); i >= 0 {
			(*q)[i].value.Add(other.value)
		} else {
			q.set(other.name, other.value.DeepCopy())
		}
	}
}

func (q quantities) list() corev1.ResourceList {
	if len(q) == 0 {
		return nil
	}
	list := make(corev1.ResourceList, len(q))
	for _, each := range q {
		list[each.name] = each.value
	}
	return list
}

// requests returns a request for each limit, too. The API server sets these requests in pods, but not in templates (kubernetes:
// pkg/apis/core/v1/defaults.go, SetDefaults_Pod).
func (c *container) requests() quantities {
	all := c.Resources.Requests
	for _, limit := range c.Resources.Limits {
		if all.index(limit.name) < 0 {
			all = append(all, limit)
		}
	}
	return all
}

// requestsTogether returns one container with the requests of all, or none. The scheduler adds the requests of ordinary
// containers (k8s.io/component-helpers: resource/helpers.go, AggregateContainerRequests).
func requestsTogether(containers []container) []corev1.Container {
	var sum quantities
	for i := range containers {
		sum.add(containers[i].requests())
	}
	if len(sum) == 0 {
		return nil
	}
	return []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: sum.list()}}}
}

// requestsOfEach returns the init containers that have requests, with these alone. The scheduler does not add them.
func requestsOfEach(containers []container) []corev1.Container {
	var all []corev1.Container
	for i := range containers {
		if requests := containers[i].requests(); len(requests) > 0 {
			all = append(all, corev1.Container{
				Resources:     corev1.ResourceRequirements{Requests: requests.list()},
				RestartPolicy: containers[i].RestartPolicy,
			})
		}
	}
	return all
}

// claimsOf returns the volumes that are claims, without their contents.
func claimsOf(volumes []volume) []corev1.Volume {
	var all []corev1.Volume
	for _, v := range volumes {
		var source corev1.VolumeSource
		switch {
		case v.PersistentVolumeClaim != nil:
			source.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{}
		case v.Ephemeral != nil:
			source.Ephemeral = &corev1.EphemeralVolumeSource{}
		default:
			continue
		}
		all = append(all, corev1.Volume{VolumeSource: source})
	}
	return all
}
