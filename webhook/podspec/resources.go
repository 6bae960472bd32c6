package podspec

import (
	"bytes"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// resources are the resources of a container or a pod.
type resources struct {
	Requests quantities `json:"requests"`
	Limits   quantities `json:"limits"`
}

// quantities is the text of a list of resources. To decode it as a map would take as long as to decode a whole pod.
type quantities = json.RawMessage

func (r resources) parse() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: parseQuantities(r.Requests), Limits: parseQuantities(r.Limits)}
}

// parseQuantities leaves out what is not a quantity: the API server rejects such a pod anyway, for a reason that is not about
// pulls. Names and quantities that it accepts contain no comma, colon or quote, and it escapes none of their characters.
func parseQuantities(raw quantities) corev1.ResourceList {
	members, isObject := bytes.CutPrefix(raw, []byte("{"))
	if !isObject {
		return nil
	}
	var list corev1.ResourceList
	for member := range bytes.SplitSeq(bytes.TrimSuffix(members, []byte("}")), []byte(",")) {
		name, value, _ := bytes.Cut(member, []byte(":"))
		value = bytes.TrimSpace(value)
		var q resource.Quantity
		if !isShort(value) || q.UnmarshalJSON(value) != nil {
			continue
		}
		if list == nil {
			list = make(corev1.ResourceList)
		}
		list[corev1.ResourceName(bytes.Trim(name, "\" \t\r\n"))] = q
	}
	return list
}

// isShort reports whether a quantity may be parsed: the time to parse one is exponential in the length of its exponent.
func isShort(raw []byte) bool {
	const maxLength, maxExponent = 64, 4
	exponent := bytes.IndexAny(raw, "eE")
	return len(raw) <= maxLength && (exponent < 0 || len(bytes.Trim(raw[exponent+1:], `"`)) <= maxExponent)
}

// resourcesOf returns the containers that have resources, with these alone.
func resourcesOf(containers []container) []corev1.Container {
	var all []corev1.Container
	for i, c := range containers {
		requirements := c.Resources.parse()
		if isEmpty(requirements) {
			continue
		}
		if all == nil {
			all = make([]corev1.Container, 0, len(containers)-i)
		}
		all = append(all, corev1.Container{Resources: requirements, RestartPolicy: c.RestartPolicy})
	}
	return all
}

func isEmpty(r corev1.ResourceRequirements) bool { return len(r.Requests) == 0 && len(r.Limits) == 0 }

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
