package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// imageLoaded is on a node and in no registry.
	imageLoaded = "REGISTRY/public/web:loaded"
	// imagePulled is private, and on a node that pulled it before.
	imagePulled = "REGISTRY/shop/web:1.27"
	imageArm    = "REGISTRY/public/arm:1"

	// poolLabel selects the nodes of a test, and poolTaint excludes the pods of other tests.
	poolLabel, poolTaint = "example.com/pool", "example.com/pool"
)

// newNode returns a node as its kubelet would register it. It has the pause image, as every node does.
func newNode(name, architecture string, labels map[string]string, images ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		corev1.LabelOSStable: "linux", corev1.LabelArchStable: architecture,
	}}}
	for key, value := range labels {
		n.Labels[key] = value
		n.Spec.Taints = []corev1.Taint{{Key: key, Value: value, Effect: corev1.TaintEffectNoSchedule}}
	}
	n.Status.NodeInfo.KubeletVersion = "v1.37.2"
	n.Status.Images = []corev1.ContainerImage{{Names: []string{"registry.k8s.io/pause:3.10"}}}
	for _, image := range images {
		n.Status.Images = append(n.Status.Images, corev1.ContainerImage{Names: []string{image}})
	}
	return n
}

// join creates the node with its status, and removes the taint that the API server gives to a new node.
func (e *environment) join(t *testing.T, n *corev1.Node) {
	t.Helper()
	c := e.caller(t)
	wanted := n.DeepCopy()
	c.must(c.create(n))
	n.Spec.Taints = wanted.Spec.Taints
	c.must(c.update(n))
	n.Status = wanted.Status
	if err := c.client.Status().Update(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

// testNodes checks pods that may run on some of the nodes only.
func testNodes(t *testing.T, e *environment) {
	pool := func(name string) map[string]string { return map[string]string{poolLabel: name} }
	loaded, private := e.registry.expand(imageLoaded), e.registry.expand(imagePulled)
	holder := newNode("pool-loaded", "amd64", pool("loaded"), loaded)
	holder.Status.Images = append(holder.Status.Images, corev1.ContainerImage{
		Names: []string{e.registry.expand("REGISTRY/shop/web@DIGEST"), private},
	})
	full := newNode("pool-full", "amd64", pool("full"))
	for i := range 49 {
		full.Status.Images = append(full.Status.Images, corev1.ContainerImage{Names: []string{fmt.Sprintf("registry.example/filler:%d", i)}})
	}
	cordoned := newNode("pool-cordoned", "amd64", pool("cordoned"))
	cordoned.Spec.Unschedulable = true
	for _, n := range []*corev1.Node{
		newNode("pool-amd", "amd64", pool("amd")), newNode("pool-arm", "arm64", pool("arm")),
		holder, full, cordoned, newNode("pool-last", "amd64", pool("last"), loaded),
	} {
		e.join(t, n)
	}
	namespace := e.namespace(t, "enforce")
	eventually(t, "the nodes to be known", func(context.Context) bool {
		pod := newPod(namespace, loaded)
		onPool("last")(pod)
		got := e.caller(t).create(pod, client.DryRunAll)
		return got.err == nil && len(got.warnings) == 1 && strings.Contains(got.warnings[0], "NotOnRegistry")
	})
	testPodCases(t, e, platformCases())
	testPodCases(t, e, cacheCases())
}

// onPool binds a pod to a pool by nodeSelector, or to one of several pools by affinity.
func onPool(names ...string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{Key: poolTaint, Operator: corev1.TolerationOpExists})
		if len(names) == 1 {
			pod.Spec.NodeSelector = map[string]string{poolLabel: names[0]}
			return
		}
		requireNode(pod, corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: poolLabel, Operator: corev1.NodeSelectorOpIn, Values: names},
		}})
	}
}

func requireNode(pod *corev1.Pod, term corev1.NodeSelectorTerm) {
	pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}},
	}}
}

// onNode binds a pod to a node as the controller of DaemonSets does.
func onNode(name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Tolerations = []corev1.Toleration{{Key: poolTaint, Operator: corev1.TolerationOpExists}}
		requireNode(pod, corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
			{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{name}},
		}})
	}
}

func withPullPolicy(policy corev1.PullPolicy, change func(*corev1.Pod)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		change(pod)
		pod.Spec.Containers[0].ImagePullPolicy = policy
	}
}

// mismatch returns the outcome of imageArm on nodes of another architecture.
func mismatch(architecture string) outcome {
	return outcome{
		Denied: `container "web": image "REGISTRY/public/arm:1" cannot be pulled: PlatformMismatch: the image index offers linux/arm64, ` +
			`the nodes are linux/` + architecture + `; build the image for the nodes' platform or select other nodes`,
		Audited: "Unpullable PlatformMismatch",
	}
}

// indeterminate returns the outcome with this warning and reason.
func indeterminate(reason, warning string) outcome {
	return outcome{Warnings: []string{warning}, Audited: "Indeterminate " + reason}
}

// platformCases are pods with different candidate nodes.
func platformCases() map[string]podCase {
	noNode := indeterminate("SomePlatforms", `container "web": image "HEAD…public/arm:1" may not be pullable: SomePlatforms: `+
		`no node is known that the pod can run on now, and the image index offers only linux/arm64`)
	return map[string]podCase{
		"selector, served":           {images: []string{imageArm}, change: onPool("arm")},
		"selector, not served":       {images: []string{imageArm}, change: onPool("amd"), want: mismatch("amd64")},
		"daemon, served":             {images: []string{imageArm}, change: onNode("pool-arm")},
		"daemon, not served":         {images: []string{imageArm}, change: onNode("pool-amd"), want: mismatch("amd64")},
		"node, served":               {images: []string{imageArm}, change: func(pod *corev1.Pod) { pod.Spec.NodeName = "pool-arm" }},
		"node, not served":           {images: []string{imageArm}, change: func(pod *corev1.Pod) { pod.Spec.NodeName = "pool-amd" }, want: mismatch("amd64")},
		"tainted nodes do not count": {images: []string{imageArm}, want: mismatch("amd64")},
		"affinity, partly served": {
			images: []string{imageArm}, change: onPool("amd", "arm"),
			want: indeterminate("SomePlatforms", `container "web": image "HEAD…public/arm:1" may not be pullable: SomePlatforms: `+
				`some nodes are not served: the image index offers linux/arm64, the nodes are linux/amd64, linux/arm64`),
		},
		"no node yet":    {images: []string{imageArm}, change: onPool("none"), want: noNode},
		"cordoned nodes": {images: []string{imageArm}, change: onPool("cordoned"), want: noNode},
		"scheduling gate": {
			images: []string{imageArm}, want: noNode,
			change: func(pod *corev1.Pod) {
				onPool("amd")(pod)
				pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
			},
		},
		"no node yet, but a platform": {
			images: []string{imageArm}, want: mismatch("s390x"),
			change: func(pod *corev1.Pod) {
				pod.Spec.NodeSelector = map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: "s390x"}
			},
		},
	}
}

// cacheCases are images that nodes have.
func cacheCases() map[string]podCase {
	loadedGone := outcome{
		Denied:  `container "web": image "REGISTRY/public/web:loaded" cannot be pulled: NotFound: tag not found; push the image or correct its name`,
		Audited: "Unpullable NotFound",
	}
	loadedOnly := outcome{
		Warnings: []string{`container "web": image "REGISTRY/public/web:loaded": NotOnRegistry: a new node could not pull it: tag not found`},
		Audited:  "Pullable PresentOnNode",
	}
	return map[string]podCase{
		"on the node":                 {images: []string{imageLoaded}, change: onPool("loaded"), want: loadedOnly},
		"on every node":               {images: []string{imageLoaded}, change: onPool("loaded", "last"), want: loadedOnly},
		"on the node, policy Never":   {images: []string{imageLoaded}, change: withPullPolicy(corev1.PullNever, onPool("loaded"))},
		"on the node, policy Always":  {images: []string{imageLoaded}, change: withPullPolicy(corev1.PullAlways, onPool("loaded")), want: loadedGone},
		"on another node":             {images: []string{imageLoaded}, change: onPool("arm"), want: loadedGone},
		"pulled before, public image": {images: []string{imagePublic}, change: onPool("loaded")},
		"on some nodes": {
			images: []string{imageLoaded}, change: onPool("loaded", "arm"),
			want: indeterminate("NodeCache", `container "web": image "HEAD…c/web:loaded" may not be pullable: NodeCache: tag not found, but some nodes hold the image`),
		},
		"on some nodes, policy Never": {
			images: []string{imageLoaded}, change: withPullPolicy(corev1.PullNever, onPool("loaded", "arm")),
			want: indeterminate("NodeCache", `container "web": image "HEAD…c/web:loaded" may not be pullable: NodeCache: `+
				`with imagePullPolicy Never the image must be on the node already, and only some nodes hold it`),
		},
		"where images are loaded": {
			images: []string{imageGone}, change: withPullPolicy(corev1.PullIfNotPresent, onPool("loaded")),
			want: indeterminate("NodeCacheUnreported", `container "web": image "HEAD…lic/web:gone" may not be pullable: NodeCacheUnreported: `+
				`tag not found, but the image may have been loaded onto a node a moment ago`),
		},
		"a list that is cut off": {
			images: []string{imageLoaded}, change: onPool("full"),
			want: indeterminate("NodeCacheUnreported", `container "web": image "HEAD…c/web:loaded" may not be pullable: NodeCacheUnreported: `+
				`tag not found, but a node may hold the image without reporting it`),
		},
		"pulled with a secret that this pod lacks": {
			images: []string{imagePulled}, change: onPool("loaded"),
			want: indeterminate("NodeCache", `container "web": image "HEAD…hop/web:1.27" may not be pullable: NodeCache: `+
				`the image is private or does not exist, and no pull secret is for it, but the nodes hold the image and may not verify access again`),
		},
	}
}
