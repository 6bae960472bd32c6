package truth

import (
	"cmp"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// taintKey keeps the pods of other scenarios off a scenario's nodes.
const taintKey = "truth.pullgate.dev/scenario"

// OtherNodes returns the Node objects that are no nodes: they look ready, and have no room for any pod.
func (w *World) OtherNodes() ([]*corev1.Node, error) {
	var nodes []*corev1.Node
	for i := range w.Scenario.Nodes {
		o := &w.Scenario.Nodes[i]
		system, architecture, _ := strings.Cut(o.Platform, "/")
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: o.Name, Labels: map[string]string{
				corev1.LabelOSStable: system, corev1.LabelArchStable: architecture, corev1.LabelHostname: o.Name,
			}},
			Spec: corev1.NodeSpec{
				Taints:        []corev1.Taint{{Key: taintKey, Value: w.Scenario.ID(), Effect: corev1.TaintEffectNoSchedule}},
				Unschedulable: o.Cordoned,
			},
			Status: corev1.NodeStatus{
				Conditions:  []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
				Allocatable: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")},
				NodeInfo: corev1.NodeSystemInfo{
					OperatingSystem: system, Architecture: architecture,
					KubeletVersion: kubeletVersion, ContainerRuntimeVersion: cmp.Or(o.Runtime, runtimeVersion),
				},
				Images: loaded(append([]string{sandboxImage}, o.Images...)),
			},
		}
		maps.Copy(node.Labels, o.Labels)
		nodes = append(nodes, node)
		if err := w.fill(node); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// Node returns the real node's object, as far as Pullgate looks at it: where there is no cluster, this stands for it.
func (w *World) Node() (*corev1.Node, error) {
	images := loaded(append([]string{sandboxImage}, w.Scenario.Node.Images...))
	pods, err := w.Before("")
	if err != nil {
		return nil, err
	}
	for _, pod := range pods {
		for _, c := range pod.Spec.Containers {
			images = append(images, w.pulled(c.Image))
		}
	}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: NodeName, Labels: map[string]string{
			corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64", corev1.LabelHostname: NodeName,
		}},
		Status: corev1.NodeStatus{
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem: "linux", Architecture: "amd64",
				KubeletVersion: kubeletVersion, ContainerRuntimeVersion: runtimeVersion,
			},
			Images: images,
		},
	}
	return node, w.fill(node)
}

// pulled is an image that came from its registry: its node knows it by its digest too.
func (w *World) pulled(image string) corev1.ContainerImage {
	repository, _, _ := strings.Cut(image, "@")
	if colon := strings.LastIndex(repository, ":"); colon > strings.LastIndex(repository, "/") {
		repository = repository[:colon]
	}
	return corev1.ContainerImage{Names: []string{repository + "@" + w.known[image].digest, image}, SizeBytes: 1 << 20}
}

// NodeName is the name of package cluster's node, sandboxImage is an image that is always on it, and the versions are those of its
// kubelet and its containerd.
const (
	NodeName       = "node"
	sandboxImage   = "registry.example/pause:3.10"
	kubeletVersion = "v1.37.2"
	runtimeVersion = "containerd://2.4.2"
)

// loaded are images that came in an archive: nodes know no digest for them.
func loaded(names []string) []corev1.ContainerImage {
	var images []corev1.ContainerImage
	for _, name := range names {
		images = append(images, corev1.ContainerImage{Names: []string{name}, SizeBytes: 1 << 20})
	}
	return images
}
