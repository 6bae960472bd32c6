package nodes_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// requiring returns an affinity of which one of the terms must match.
func requiring(terms ...corev1.NodeSelectorTerm) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
	}}
}

func expressing(requirements ...corev1.NodeSelectorRequirement) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: requirements}
}

func in(key string, values ...string) corev1.NodeSelectorRequirement {
	return corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}
}

// named is the term of a DaemonSet's pod.
func named(node string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{in(metav1.ObjectNameField, node)}}
}

func tolerating(tolerations ...corev1.Toleration) corev1.PodSpec {
	return corev1.PodSpec{Tolerations: tolerations}
}

// Each node of the cluster below is the only one of its architecture, so that the platforms which a pod is held against
// tell where it may run.
func TestCandidates(t *testing.T) {
	t.Parallel()
	all := snapshot(t, "",
		newNode("plain", "linux/amd64", labelled("pool", "web"), labelled("cores", "4"), tainted("soft", corev1.TaintEffectPreferNoSchedule)),
		newNode("arm", "linux/arm64", labelled("pool", "db"), labelled("cores", "16")),
		newNode("gpu", "linux/ppc64le", tainted("gpu", corev1.TaintEffectNoSchedule)),
		newNode("leaving", "linux/s390x", tainted("leaving", corev1.TaintEffectNoExecute)),
		newNode("cordoned", "linux/riscv64", cordoned),
		newNode("win", "windows/amd64", tainted("os", corev1.TaintEffectNoSchedule)),
		newNode("lost", "linux/loong64", tainted(corev1.TaintNodeUnreachable, corev1.TaintEffectNoSchedule), tainted(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute)),
	)
	everything := corev1.Toleration{Operator: corev1.TolerationOpExists}
	tests := map[string]struct {
		spec corev1.PodSpec
		want string
	}{
		"a pod that asks for nothing": {corev1.PodSpec{}, "linux/amd64 linux/arm64"},
		"a selector":                  {corev1.PodSpec{NodeSelector: map[string]string{"pool": "web"}}, "linux/amd64"},
		"a selector of two labels": {
			corev1.PodSpec{NodeSelector: map[string]string{"pool": "db", corev1.LabelArchStable: "arm64"}}, "linux/arm64",
		},
		"a required affinity":       {corev1.PodSpec{Affinity: requiring(expressing(in("pool", "db", "cache")))}, "linux/arm64"},
		"an affinity of two terms":  {corev1.PodSpec{Affinity: requiring(expressing(in("pool", "db")), named("plain"))}, "linux/amd64 linux/arm64"},
		"an affinity that compares": {corev1.PodSpec{Affinity: requiring(expressing(corev1.NodeSelectorRequirement{Key: "cores", Operator: corev1.NodeSelectorOpGt, Values: []string{"8"}}))}, "linux/arm64"},
		"a term that can't be parsed, and one that can": {
			corev1.PodSpec{Affinity: requiring(expressing(corev1.NodeSelectorRequirement{Key: "pool", Operator: "Near"}), expressing(in("pool", "web")))}, "linux/amd64",
		},
		"a selector and an affinity": {
			corev1.PodSpec{NodeSelector: map[string]string{"cores": "4"}, Affinity: requiring(expressing(in("pool", "web", "db")))}, "linux/amd64",
		},
		"a preferred affinity keeps nobody off": {
			corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
				PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 1, Preference: expressing(in("pool", "db"))}},
			}}},
			"linux/amd64 linux/arm64",
		},
		"the pod of a DaemonSet": {corev1.PodSpec{Affinity: requiring(named("arm"))}, "linux/arm64"},
		"a toleration": {
			tolerating(corev1.Toleration{Key: "gpu", Operator: corev1.TolerationOpExists}), "linux/amd64 linux/arm64 linux/ppc64le",
		},
		"a toleration of another effect": {
			tolerating(corev1.Toleration{Key: "gpu", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}), "linux/amd64 linux/arm64",
		},
		"a toleration of what evicts": {
			tolerating(corev1.Toleration{Key: "leaving", Operator: corev1.TolerationOpExists}), "linux/amd64 linux/arm64 linux/s390x",
		},
		"a toleration of the cordon": {
			tolerating(corev1.Toleration{Key: corev1.TaintNodeUnschedulable, Operator: corev1.TolerationOpExists}), "linux/amd64 linux/arm64 linux/riscv64",
		},
		"everything is tolerated": {
			tolerating(everything), "linux/amd64 linux/arm64 linux/loong64 linux/ppc64le linux/riscv64 linux/s390x windows/amd64",
		},
		"an operating system": {
			corev1.PodSpec{OS: &corev1.PodOS{Name: corev1.Windows}, Tolerations: []corev1.Toleration{everything}}, "windows/amd64",
		},
		"a node by its name":                   {corev1.PodSpec{NodeName: "plain"}, "linux/amd64"},
		"a tainted node by its name":           {corev1.PodSpec{NodeName: "gpu"}, "linux/ppc64le"},
		"a cordoned node by its name":          {corev1.PodSpec{NodeName: "cordoned"}, "linux/riscv64"},
		"a node by its name, beside selectors": {corev1.PodSpec{NodeName: "arm", NodeSelector: map[string]string{"pool": "web"}}, "linux/arm64"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// It serves them all, so that the nodes which rest don't show.
			_, wanted := all.Candidates(&tt.spec).Serve(of(t, tt.want))
			if diff := cmp.Diff(of(t, tt.want), wanted); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
		})
	}
}

// A node that rests is none that the pod runs on now, but a reason not to be sure of a failure.
func TestRestingNodes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change  func(*corev1.Node)
		offered string
		want    nodes.Fit
	}{
		"cordoned, and would be served":    {cordoned, "linux/arm64", nodes.Some},
		"not ready, and would be served":   {tainted(corev1.TaintNodeNotReady, corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"being set up by the cloud":        {tainted("node.cloudprovider.kubernetes.io/uninitialized", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"cordoned, and would not be":       {cordoned, "linux/s390x", nodes.None},
		"cordoned, and nobody waits":       {cordoned, "linux/amd64", nodes.All},
		"cordoned and tainted by somebody": {func(n *corev1.Node) { cordoned(n); tainted("gpu", corev1.TaintEffectNoSchedule)(n) }, "linux/arm64", nodes.None},
		"tainted by somebody":              {tainted("gpu", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.None},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := snapshot(t, "", newNode("plain", "linux/amd64"), newNode("other", "linux/arm64", tt.change))
			if got, _ := all.Candidates(nil).Serve(of(t, tt.offered)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// What the kubelet reports of itself stands in for a label that somebody removed.
func TestPlatformOfANode(t *testing.T) {
	t.Parallel()
	unlabelled := func(n *corev1.Node) { n.Labels = nil }
	reporting := func(n *corev1.Node) {
		n.Status.NodeInfo.OperatingSystem, n.Status.NodeInfo.Architecture = "linux", "arm64"
	}
	tests := map[string]struct {
		changes []func(*corev1.Node)
		offered string
		want    nodes.Fit
	}{
		"labels count":                {[]func(*corev1.Node){reporting}, "linux/amd64", nodes.All},
		"no labels":                   {[]func(*corev1.Node){unlabelled, reporting}, "linux/arm64", nodes.All},
		"no labels, another platform": {[]func(*corev1.Node){unlabelled, reporting}, "linux/amd64", nodes.None},
		"nothing is told":             {[]func(*corev1.Node){unlabelled}, "linux/amd64", nodes.Unknown},
		"nothing is told or offered":  {[]func(*corev1.Node){unlabelled}, "unknown/unknown", nodes.None},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := snapshot(t, "", newNode("n", "linux/amd64", tt.changes...))
			if got, _ := all.Candidates(nil).Serve(of(t, tt.offered)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestManyNodesOfOnePlatform(t *testing.T) {
	t.Parallel()
	all := snapshot(t, "", slices.Repeat([]corev1.Node{newNode("a", "linux/amd64"), newNode("b", "linux/arm64")}, 20)...)
	_, wanted := all.Candidates(nil).Serve(of(t, "linux/amd64"))
	if diff := cmp.Diff(of(t, "linux/amd64 linux/arm64"), wanted); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
}
