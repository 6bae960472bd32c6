package truth

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// taintKey is the key of the taint that keeps the pods of other scenarios away from a scenario's nodes.
const taintKey = "truth.pullgate.dev/scenario"

// OtherNodes returns the Node objects without a machine. They are ready, but have no room for a pod.
func (f *Fixture) OtherNodes() ([]*corev1.Node, error) {
	var nodes []*corev1.Node
	for i := range f.Scenario.Nodes {
		o := &f.Scenario.Nodes[i]
		system, architecture, _ := strings.Cut(o.Platform, "/")
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: o.Name, Labels: map[string]string{
				corev1.LabelOSStable: system, corev1.LabelArchStable: architecture, corev1.LabelHostname: o.Name,
			}},
			Spec: corev1.NodeSpec{
				Taints: append([]corev1.Taint{{Key: taintKey, Value: f.Scenario.ID(), Effect: corev1.TaintEffectNoSchedule}},
					o.Taints...),
				Unschedulable: o.Cordoned, ProviderID: o.ProviderID,
			},
			Status: corev1.NodeStatus{
				Conditions:  []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
				Allocatable: allocatable("64", "256Gi", "0"),
				NodeInfo: corev1.NodeSystemInfo{
					OperatingSystem: system, Architecture: architecture,
					KubeletVersion: kubeletVersion, ContainerRuntimeVersion: cmp.Or(o.Runtime, runtimeVersion),
				},
				Images: slices.Concat(pulled([]string{sandboxImage}), loaded(o.Images), pulled(o.Pulled)),
			},
		}
		maps.Copy(node.Labels, o.Labels)
		maps.Copy(node.Status.Allocatable, o.Allocatable)
		node.Status.Capacity = node.Status.Allocatable
		nodes = append(nodes, node)
		if err := f.fill(node); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// Node returns the real node's object with the fields that Pullgate reads. Tests without a cluster use it.
func (f *Fixture) Node() (*corev1.Node, error) {
	images := append(pulled([]string{sandboxImage}), loaded(f.Scenario.Node.Images)...)
	pods, err := f.Before("")
	if err != nil {
		return nil, err
	}
	for _, pod := range pods {
		for _, c := range pod.Spec.Containers {
			images = append(images, f.pulled(c.Image))
		}
	}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: NodeName, Labels: map[string]string{
			corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64", corev1.LabelHostname: NodeName,
		}},
		Status: corev1.NodeStatus{
			Allocatable: allocatable("2", "4Gi", "110"),
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem: "linux", Architecture: "amd64",
				KubeletVersion: kubeletVersion, ContainerRuntimeVersion: runtimeVersion,
			},
			Images: images,
		},
	}
	return node, f.fill(node)
}

// allocatable returns the resources of a node. Nodes without a machine have room for no pod, but are large enough.
func allocatable(cpu, memory, pods string) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		corev1.ResourceEphemeralStorage: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse(pods),
	}
}

// pulled returns an image that a node pulled from a registry. The node reports it by digest too.
func (f *Fixture) pulled(image string) corev1.ContainerImage {
	repository, _, _ := strings.Cut(image, "@")
	if colon := strings.LastIndex(repository, ":"); colon > strings.LastIndex(repository, "/") {
		repository = repository[:colon]
	}
	return corev1.ContainerImage{Names: []string{repository + "@" + f.known[image].digest, image}, SizeBytes: 1 << 20}
}

// NodeName is the name of package cluster's node. sandboxImage is an image that is always on it. The versions
// belong to its kubelet and containerd.
const (
	NodeName       = "node"
	sandboxImage   = "registry.example/pause:3.10"
	kubeletVersion = "v1.37.2"
	runtimeVersion = "containerd://2.4.2"
)

// pulled returns images that were pulled, with digests that depend on their names.
func pulled(names []string) []corev1.ContainerImage {
	var images []corev1.ContainerImage
	for _, name := range names {
		repository := name[:strings.LastIndex(name, ":")]
		digest := digestOf([]byte(name)).digest
		images = append(images, corev1.ContainerImage{Names: []string{repository + "@" + digest, name}, SizeBytes: 1 << 20})
	}
	return images
}

// loaded returns images that were loaded from an archive. Nodes report them without a digest.
func loaded(names []string) []corev1.ContainerImage {
	var images []corev1.ContainerImage
	for _, name := range names {
		images = append(images, corev1.ContainerImage{Names: []string{name}, SizeBytes: 1 << 20})
	}
	return images
}
