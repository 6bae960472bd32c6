package nodes

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// node is what is kept of a Node object. A cluster can have thousands of nodes, and of each most of the object is of no
// use here.
type node struct {
	// ObjectMeta holds the name, which informers need too, and the labels.
	metav1.ObjectMeta
	// taints are those that keep pods off, a cordon among them.
	taints   []corev1.Taint
	platform imagepull.Platform
	puller   puller
	images   imageList
	// verifies is set unless the kubelet is known to take whatever image is there, whoever had it pulled.
	verifies bool
}

// newNode reduces a Node object.
func newNode(o *corev1.Node) *node {
	return &node{
		ObjectMeta: metav1.ObjectMeta{Name: o.Name, Labels: o.Labels},
		taints:     repelling(o),
		platform:   platformOf(o),
		puller:     pullerOf(o.Status.NodeInfo.ContainerRuntimeVersion),
		images:     newImageList(o.Status.Images),
		verifies:   verifies(o.Status.NodeInfo.KubeletVersion),
	}
}

// platformOf reads the platform off the labels that the kubelet sets (kubelet: kubelet_node_status.go), or else from what
// it reports of itself.
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

// repelling returns the taints that keep a pod from being bound. To the scheduler a cordon is one of them, whether or not
// the node has that taint already (kube-scheduler: plugins nodeunschedulable and tainttoleration).
func repelling(o *corev1.Node) []corev1.Taint {
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

// passes reports whether a taint comes and goes by itself, or with maintenance: the node lifecycle controller and cloud
// providers own these keys.
func passes(t *corev1.Taint) bool {
	return strings.HasPrefix(t.Key, "node.kubernetes.io/") || strings.HasPrefix(t.Key, "node.cloudprovider.kubernetes.io/")
}

// verifies reports whether a kubelet of this version may ask the registry about an image that it holds, because it pulled
// it with the credential of another pod (KEP-2535). It does so by default from 1.35 on.
func verifies(kubelet string) bool {
	v, err := version.ParseGeneric(kubelet)
	return err != nil || !v.LessThan(version.MajorMinor(1, 35))
}
