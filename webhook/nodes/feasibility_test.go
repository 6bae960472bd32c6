package nodes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// Each node has another platform, so the compared platforms show the feasible nodes.
func TestFeasibleNodes(t *testing.T) {
	t.Parallel()
	all := newSnapshot(t, "",
		newNode("plain", "linux/amd64", withLabel("pool", "web"), withLabel("cores", "4"), withTaint("soft", corev1.TaintEffectPreferNoSchedule)),
		newNode("arm", "linux/arm64", withLabel("pool", "db"), withLabel("cores", "16")),
		newNode("gpu", "linux/ppc64le", withTaint("gpu", corev1.TaintEffectNoSchedule)),
		newNode("leaving", "linux/s390x", withTaint("leaving", corev1.TaintEffectNoExecute)),
		newNode("cordoned", "linux/riscv64", cordoned),
		newNode("win", "windows/amd64", withTaint("os", corev1.TaintEffectNoSchedule)),
		newNode("lost", "linux/loong64", withTaint(corev1.TaintNodeUnreachable, corev1.TaintEffectNoSchedule), withTaint(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute)),
	)
	everything := corev1.Toleration{Operator: corev1.TolerationOpExists}
	tests := map[string]struct {
		spec corev1.PodSpec
		want string
	}{
		"a pod without constraints": {corev1.PodSpec{}, "linux/amd64 linux/arm64"},
		"a selector":                {corev1.PodSpec{NodeSelector: map[string]string{"pool": "web"}}, "linux/amd64"},
		"a selector of two labels": {
			corev1.PodSpec{NodeSelector: map[string]string{"pool": "db", corev1.LabelArchStable: "arm64"}}, "linux/arm64",
		},
		"a required affinity":       {corev1.PodSpec{Affinity: requiring(expressing(in("pool", "db", "cache")))}, "linux/arm64"},
		"an affinity of two terms":  {corev1.PodSpec{Affinity: requiring(expressing(in("pool", "db")), named("plain"))}, "linux/amd64 linux/arm64"},
		"an affinity that compares": {corev1.PodSpec{Affinity: requiring(expressing(corev1.NodeSelectorRequirement{Key: "cores", Operator: corev1.NodeSelectorOpGt, Values: []string{"8"}}))}, "linux/arm64"},
		"an invalid term, and a valid one": {
			corev1.PodSpec{Affinity: requiring(expressing(corev1.NodeSelectorRequirement{Key: "pool", Operator: "Near"}), expressing(in("pool", "web")))}, "linux/amd64",
		},
		"a selector and an affinity": {
			corev1.PodSpec{NodeSelector: map[string]string{"cores": "4"}, Affinity: requiring(expressing(in("pool", "web", "db")))}, "linux/amd64",
		},
		"a preferred affinity excludes no node": {
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
		"a toleration of NoExecute": {
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
			// The index serves all feasible nodes, so the unavailable ones are not compared.
			_, compared := all.Candidates(&tt.spec).Serve(platforms(t, tt.want))
			if diff := cmp.Diff(platforms(t, tt.want), compared); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
		})
	}
}

// The pod cannot run on such a node now, but later.
func TestUnavailableNodeMakesAMismatchIndeterminate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change  func(*corev1.Node)
		offered string
		want    nodes.Fit
	}{
		"cordoned, and served":                {cordoned, "linux/arm64", nodes.Some},
		"not ready, and served":               {withTaint(corev1.TaintNodeNotReady, corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"not initialized by the cloud":        {withTaint("node.cloudprovider.kubernetes.io/uninitialized", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"unregistered by Karpenter":           {withTaint("karpenter.sh/unregistered", corev1.TaintEffectNoExecute), "linux/arm64", nodes.Some},
		"disrupted by Karpenter":              {withTaint("karpenter.sh/disrupted", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"disrupted by an old Karpenter":       {withTaint("karpenter.sh/disruption", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"another taint of Karpenter":          {withTaint("karpenter.sh/mine", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.None},
		"a start-up taint":                    {withTaint("startup-taint.cluster-autoscaler.kubernetes.io/driver", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"a start-up taint, formerly":          {withTaint("ignore-taint.cluster-autoscaler.kubernetes.io/driver", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"a status taint":                      {withTaint("status-taint.cluster-autoscaler.kubernetes.io/repair", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"to be deleted":                       {withTaint("ToBeDeletedByClusterAutoscaler", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"to be deleted, and not served":       {withTaint("ToBeDeletedByClusterAutoscaler", corev1.TaintEffectNoSchedule), "linux/s390x", nodes.None},
		"no network agent":                    {withTaint("node.cilium.io/agent-not-ready", corev1.TaintEffectNoExecute), "linux/arm64", nodes.Some},
		"no volume agent":                     {withTaint("ebs.csi.aws.com/agent-not-ready", corev1.TaintEffectNoExecute), "linux/arm64", nodes.Some},
		"no mesh":                             {withTaint("cni.istio.io/not-ready", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"not readied":                         {withTaint("readiness.k8s.io/network", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"not initialized by Cluster API":      {withTaint("node.cluster.x-k8s.io/uninitialized", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.Some},
		"no network agent, and another taint": {combined(withTaint("node.cilium.io/agent-not-ready", corev1.TaintEffectNoExecute), withTaint("gpu", corev1.TaintEffectNoSchedule)), "linux/arm64", nodes.None},
		"cordoned, and not served":            {cordoned, "linux/s390x", nodes.None},
		"cordoned, and not needed":            {cordoned, "linux/amd64", nodes.All},
		"cordoned, with another taint":        {func(n *corev1.Node) { cordoned(n); withTaint("gpu", corev1.TaintEffectNoSchedule)(n) }, "linux/arm64", nodes.None},
		"another taint":                       {withTaint("gpu", corev1.TaintEffectNoSchedule), "linux/arm64", nodes.None},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := newSnapshot(t, "", newNode("plain", "linux/amd64"), newNode("other", "linux/arm64", tt.change))
			if got, _ := all.Candidates(nil).Serve(platforms(t, tt.offered)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
