package nodes

import (
	"maps"
	"slices"
	"strings"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// node is the stored part of a Node object. A cluster can have thousands of nodes, and most of each object is not used.
type node struct {
	// ObjectMeta holds the name, which informers need too.
	metav1.ObjectMeta
	traits
	images imageList
}

// traits are the properties of a node that decide which pods it runs and how it pulls. Many nodes have the same.
type traits struct {
	// labels are sorted by their keys.
	labels []unique.Handle[label]
	// taints exclude pods. A cordon is one of them.
	taints      []corev1.Taint
	allocatable resources
	platform    imagepull.Platform
	// runtime is the container runtime with its version, such as "containerd://2.4.2".
	runtime unique.Handle[string]
	rules   pullRules
	// verifies is set unless the kubelet is known to start an image that another pod's credential pulled.
	verifies bool
	// isLocal is set for a node of a tool for local clusters, where people load images onto nodes.
	isLocal bool
}

// label is a label of a node. Most nodes share theirs with others, so each is stored once.
type label struct{ key, value string }

// newNode reduces a Node object.
func newNode(o *corev1.Node) *node {
	return &node{
		ObjectMeta: metav1.ObjectMeta{Name: o.Name},
		traits: traits{
			labels:      newLabels(o.Labels),
			taints:      excludingTaints(o),
			allocatable: newResources(o.Status.Allocatable),
			platform:    platformOf(o),
			runtime:     unique.Make(o.Status.NodeInfo.ContainerRuntimeVersion),
			rules:       rulesForRuntime(o.Status.NodeInfo.ContainerRuntimeVersion),
			verifies:    verifies(o.Status.NodeInfo.KubeletVersion),
			isLocal:     isLocal(o),
		},
		images: newImageList(o.Status.Images),
	}
}

func newLabels(all map[string]string) []unique.Handle[label] {
	labels := make([]unique.Handle[label], 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		labels = append(labels, unique.Make(label{key, all[key]}))
	}
	return labels
}

func (t *traits) equals(other *traits) bool {
	return slices.Equal(t.labels, other.labels) && slices.Equal(t.taints, other.taints) && t.allocatable.equals(&other.allocatable) &&
		samePlatform(t.platform, other.platform) && t.runtime == other.runtime && t.verifies == other.verifies && t.isLocal == other.isLocal
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

// isTransient reports whether a component of the cluster sets the taint for a while: during failures and maintenance, or until a
// new node is set up. An autoscaler sets one before it deletes a node, and may cancel that.
func isTransient(t *corev1.Taint) bool {
	return slices.ContainsFunc(transientPrefixes, func(prefix string) bool { return strings.HasPrefix(t.Key, prefix) }) ||
		slices.ContainsFunc(transientSuffixes, func(suffix string) bool { return strings.HasSuffix(t.Key, suffix) })
}

// Parts of the keys of transient taints. The lists are not complete, since any component may define a taint.
var (
	transientPrefixes = []string{
		"node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "readiness.k8s.io/",
		// Autoscaler: cluster-autoscaler/utils/taints/taints.go.
		"startup-taint.cluster-autoscaler.kubernetes.io/", "ignore-taint.cluster-autoscaler.kubernetes.io/",
		"status-taint.cluster-autoscaler.kubernetes.io/", "ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler",
		// Karpenter: pkg/apis/v1/taints.go. Before version 1 its taint was karpenter.sh/disruption.
		"karpenter.sh/unregistered", "karpenter.sh/disrupt",
		"aws-node-termination-handler/", "cloud.google.com/impending-node-termination",
	}
	// Agents of networks and volumes use the first two, such as node.cilium.io/agent-not-ready and ebs.csi.aws.com/agent-not-ready.
	// Cluster API and the drivers of clouds use the third.
	transientSuffixes = []string{"not-ready", "notready", "uninitialized"}
)

// isLocal reports whether people load images onto the node while it runs: a tool for local clusters made it (kind, minikube, k3d,
// MicroK8s, Docker Desktop), or it runs K3s. A Node object does not tell local K3s, as in Rancher Desktop, from K3s in production. Both
// import archives while they run (K3s: pkg/agent/containerd/watcher.go; https://docs.k3s.io/import-images), so that a denial could
// come between the import and the report of the kubelet.
func isLocal(o *corev1.Node) bool {
	if strings.HasPrefix(o.Spec.ProviderID, "kind://") || strings.HasPrefix(o.Spec.ProviderID, "k3s://") ||
		o.Labels[corev1.LabelInstanceTypeStable] == "k3s" || o.Name == "docker-desktop" {
		return true
	}
	for key := range o.Labels {
		if strings.HasPrefix(key, "minikube.k8s.io/") || strings.HasPrefix(key, "microk8s.io/") {
			return true
		}
	}
	return false
}

// verifies reports whether a kubelet of this version may verify with the registry an image that it pulled with the credential
// of another pod (KEP-2535). It does so by default from 1.35 on.
func verifies(kubelet string) bool {
	v, err := version.ParseGeneric(kubelet)
	return err != nil || !v.LessThan(version.MajorMinor(1, 35))
}
