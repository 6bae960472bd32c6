package nodes

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// node is the stored part of a Node object. A cluster can have thousands of nodes, and most of each object is not used.
type node struct {
	// ObjectMeta holds the name, which informers need too, and the labels.
	metav1.ObjectMeta
	// taints exclude pods. A cordon is one of them.
	taints   []corev1.Taint
	platform imagepull.Platform
	rules    pullRules
	images   imageList
	// verifies is set unless the kubelet is known to start an image that another pod's credential pulled.
	verifies bool
}

// newNode reduces a Node object.
func newNode(o *corev1.Node) *node {
	return &node{
		ObjectMeta: metav1.ObjectMeta{Name: o.Name, Labels: o.Labels},
		taints:     excludingTaints(o),
		platform:   platformOf(o),
		rules:      rulesForRuntime(o.Status.NodeInfo.ContainerRuntimeVersion),
		images:     newImageList(o.Status.Images),
		verifies:   verifies(o.Status.NodeInfo.KubeletVersion),
	}
}

// platformOf returns the platform from the labels that the kubelet sets (kubelet: kubelet_node_status.go), or else from the
// node's status.
func platformOf(o *corev1.Node) imagepull.Platform {
	p := imagepull.Platform{OS: o.Labels[corev1.LabelOSStable], Architecture: o.Labels[corev1.LabelArchStable]}
	if p.OS == "" {
		p.OS = o.Status.NodeInfo.OperatingSystem
	}
	if p.Architecture == "" {
		p.Architecture = o.Status.NodeInfo.Architecture
	}
	if p.OS == "windows" {
		p.OSVersion = o.Labels[corev1.LabelWindowsBuild]
	}
	return p
}

// excludingTaints returns the taints that prevent a pod from being bound. For the scheduler a cordon is one of them, even if
// the node does not have that taint yet (kube-scheduler: plugins nodeunschedulable and tainttoleration).
func excludingTaints(o *corev1.Node) []corev1.Taint {
	var taints []corev1.Taint
	for _, t := range o.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute {
			taints = append(taints, corev1.Taint{Key: t.Key, Value: t.Value, Effect: t.Effect})
		}
	}
	if o.Spec.Unschedulable {
		taints = append(taints, corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
	}
	return taints
}

// isTransient reports whether the node lifecycle controller or a cloud provider owns the taint. They set it during failures,
// setup and maintenance, and remove it afterwards.
func isTransient(t *corev1.Taint) bool {
	return strings.HasPrefix(t.Key, "node.kubernetes.io/") || strings.HasPrefix(t.Key, "node.cloudprovider.kubernetes.io/")
}

// verifies reports whether a kubelet of this version may verify with the registry an image that it pulled with the credential
// of another pod (KEP-2535). It does so by default from 1.35 on.
func verifies(kubelet string) bool {
	v, err := version.ParseGeneric(kubelet)
	return err != nil || !v.LessThan(version.MajorMinor(1, 35))
}
