package nodes

import (
	"maps"
	"math/bits"
	"slices"
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// resources are amounts of resources in the scheduler's units (kube-scheduler: framework/types.go, Resource.Add). It takes less
// memory than a ResourceList.
type resources struct {
	milliCPU, memory, ephemeralStorage int64
	// others have an amount above zero, and are sorted by their names. Lists are short.
	others []amount
}

type amount struct {
	name  unique.Handle[string]
	value int64
}

// newResources does not count pods: their number on a node changes all the time, and preemption makes room (kube-scheduler:
// plugins/noderesources/fit.go, fitsRequest).
func newResources(list corev1.ResourceList) resources {
	var r resources
	for name, quantity := range list {
		switch name {
		case corev1.ResourceCPU:
			r.milliCPU = quantity.MilliValue()
		case corev1.ResourceMemory:
			r.memory = quantity.Value()
		case corev1.ResourceEphemeralStorage:
			r.ephemeralStorage = quantity.Value()
		case corev1.ResourcePods:
		default:
			if value := quantity.Value(); value > 0 {
				r.others = append(r.others, amount{unique.Make(string(name)), value})
			}
		}
	}
	slices.SortFunc(r.others, func(a, b amount) int { return strings.Compare(a.name.Value(), b.name.Value()) })
	return r
}

func (r *resources) equals(other *resources) bool {
	return r.milliCPU == other.milliCPU && r.memory == other.memory && r.ephemeralStorage == other.ephemeralStorage &&
		slices.Equal(r.others, other.others)
}

// bounds returns a range with the resources, which is the same for similar ones. Machines of one type differ by some pages of
// memory.
func (r *resources) bounds() (least, most resources) {
	least.milliCPU, most.milliCPU = bounds(r.milliCPU)
	least.memory, most.memory = bounds(r.memory)
	least.ephemeralStorage, most.ephemeralStorage = bounds(r.ephemeralStorage)
	for _, a := range r.others {
		low, high := bounds(a.value)
		least.others = append(least.others, amount{a.name, low})
		most.others = append(most.others, amount{a.name, high})
	}
	return least, most
}

// bounds returns the range of numbers that differ from this one in their lower bits only. Small numbers are exact. Zero means
// "not reported" and remains zero.
func bounds(value int64) (least, most int64) {
	const exactBits = 6
	lower := int64(1)<<max(bits.Len64(uint64(max(value, 0)))-exactBits, 0) - 1
	return value &^ lower, value | lower
}

// requestsOf returns the requests of a pod as the scheduler computes them (kube-scheduler: plugins/noderesources/fit.go,
// computePodResourceRequest).
func requestsOf(spec *corev1.PodSpec) resources {
	pod := &corev1.Pod{Spec: *spec}
	pod.Spec.Containers = withDefaultRequests(spec.Containers)
	pod.Spec.InitContainers = withDefaultRequests(spec.InitContainers)
	pod.Spec.Resources = withPodRequests(pod)
	return newResources(resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}))
}

// withPodRequests returns the resources of the pod itself with a request for each limit, unless the containers request that resource.
// Large pages cannot be overcommitted, so their limit counts even then. The API server sets these requests in pods, but not in
// templates (kubernetes: pkg/api/pod/util.go, defaultPodLevelRequests).
func withPodRequests(pod *corev1.Pod) *corev1.ResourceRequirements {
	if pod.Spec.Resources == nil || len(pod.Spec.Resources.Limits) == 0 {
		return pod.Spec.Resources
	}
	ofContainers := resourcehelper.AggregateContainerRequests(pod, resourcehelper.PodResourcesOptions{})
	requests := make(corev1.ResourceList)
	for name, limit := range pod.Spec.Resources.Limits {
		_, requested := ofContainers[name]
		if !requested || strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
			requests[name] = limit
		}
	}
	maps.Copy(requests, pod.Spec.Resources.Requests)
	return &corev1.ResourceRequirements{Requests: requests, Limits: pod.Spec.Resources.Limits}
}

// withDefaultRequests returns the containers with a request for each limit. The API server sets these requests in pods, but not
// in templates (kubernetes: pkg/apis/core/v1/defaults.go, SetDefaults_Pod).
func withDefaultRequests(containers []corev1.Container) []corev1.Container {
	lacksRequest := func(c corev1.Container) bool {
		for name := range c.Resources.Limits {
			if _, ok := c.Resources.Requests[name]; !ok {
				return true
			}
		}
		return false
	}
	if !slices.ContainsFunc(containers, lacksRequest) {
		return containers
	}
	containers = slices.Clone(containers)
	for i := range containers {
		r := &containers[i].Resources
		requests := make(corev1.ResourceList)
		maps.Copy(requests, r.Limits)
		maps.Copy(requests, r.Requests)
		r.Requests = requests
	}
	return containers
}

// room is the result of a comparison of requests with the allocatable resources of a node.
type room uint8

const (
	// enough: the node holds the pod, at least when it is empty.
	enough room = iota
	// noDevice: the node offers none of a device now. Its device plugin may still start, or a driver allocates the device
	// dynamically (kube-scheduler: plugins/noderesources/fit.go, shouldDelegateResourceToDRA).
	noDevice
	// tooSmall: the node never holds the pod.
	tooSmall
)

// roomFor compares requests with allocatable resources, not with free ones: other pods end, or are preempted. A node that lists no processors,
// memory or storage has not reported them yet.
func (r *resources) roomFor(requests *resources) room {
	exceeds := func(requested, allocatable int64) bool { return allocatable > 0 && requested > allocatable }
	if exceeds(requests.milliCPU, r.milliCPU) || exceeds(requests.memory, r.memory) ||
		exceeds(requests.ephemeralStorage, r.ephemeralStorage) {
		return tooSmall
	}
	result := enough
	for _, requested := range requests.others {
		switch available := r.other(requested.name); {
		case requested.value <= available:
		case available == 0 && isDevice(requested.name.Value()):
			result = noDevice
		default:
			return tooSmall
		}
	}
	return result
}

func (r *resources) other(name unique.Handle[string]) int64 {
	for _, a := range r.others {
		if a.name == name {
			return a.value
		}
	}
	return 0
}

// isDevice distinguishes extended resources from the kubelet's own, such as hugepages-2Mi.
func isDevice(name string) bool { return strings.Contains(name, "/") }
