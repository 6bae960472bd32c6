package nodes_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// The cluster has one node, for amd64.
func TestCandidatesOfAnUnscheduledPod(t *testing.T) {
	t.Parallel()
	gates := []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
	selector := map[string]string{osLabel: "linux", archLabel: "amd64"}
	withConstraints := func(n int) corev1.PodSpec {
		// Two selectors and one empty term count too.
		return corev1.PodSpec{NodeSelector: selector, Tolerations: make([]corev1.Toleration, n-3)}
	}
	tests := map[string]struct {
		spec    corev1.PodSpec
		offered string
		want    nodes.Fit
	}{
		"as many constraints as the limit":  {withConstraints(256), "linux/arm64", nodes.None},
		"more constraints than the limit":   {withConstraints(257), "linux/arm64", nodes.NoCandidate},
		"more constraints, and served":      {withConstraints(257), "linux/amd64", nodes.All},
		"more expressions than the limit":   {corev1.PodSpec{Affinity: requiring(expressing(slices.Repeat([]corev1.NodeSelectorRequirement{in(archLabel, "amd64")}, 256)...))}, "linux/arm64", nodes.NoCandidate},
		"a gate, and not served":            {corev1.PodSpec{SchedulingGates: gates}, "linux/arm64", nodes.NoCandidate},
		"a gate, and served":                {corev1.PodSpec{SchedulingGates: gates}, "linux/amd64", nodes.All},
		"a gate, and selector":              {corev1.PodSpec{SchedulingGates: gates, NodeSelector: selector}, "linux/arm64", nodes.None},
		"another scheduler, and not served": {corev1.PodSpec{SchedulerName: "fargate-scheduler"}, "linux/arm64", nodes.NoCandidate},
		"another scheduler, and served":     {corev1.PodSpec{SchedulerName: "fargate-scheduler"}, "linux/amd64", nodes.All},
		"another scheduler, and selector":   {corev1.PodSpec{SchedulerName: "fargate-scheduler", NodeSelector: selector}, "linux/arm64", nodes.None},
		"another scheduler, and bound":      {corev1.PodSpec{SchedulerName: "fargate-scheduler", NodeName: "plain"}, "linux/arm64", nodes.None},
		"a runtime class, and not served":   {corev1.PodSpec{RuntimeClassName: new("windows")}, "linux/arm64", nodes.NoCandidate},
		"a runtime class, and served":       {corev1.PodSpec{RuntimeClassName: new("windows")}, "linux/amd64", nodes.All},
		"a runtime class, and selector":     {corev1.PodSpec{RuntimeClassName: new("windows"), NodeSelector: selector}, "linux/arm64", nodes.None},
		"the default scheduler":             {corev1.PodSpec{SchedulerName: corev1.DefaultSchedulerName}, "linux/arm64", nodes.None},
		"an unknown node":                   {corev1.PodSpec{NodeName: "gone"}, "linux/arm64", nodes.NoCandidate},
		"an unknown node, and selector":     {corev1.PodSpec{NodeName: "gone", NodeSelector: selector}, "linux/arm64", nodes.None},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := newSnapshot(t, "", newNode("plain", "linux/amd64"))
			if got, _ := all.Candidates(&tt.spec).Serve(platforms(t, tt.offered)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// Of the declared platforms, only the ones that the pod's selectors allow apply.
func TestDeclaredPlatformsReplaceThoseOfNodes(t *testing.T) {
	t.Parallel()
	anywhere := corev1.PodSpec{}
	tests := map[string]struct {
		declared, offered string
		spec              corev1.PodSpec
		want              nodes.Fit
		compared          string
	}{
		"served":                          {"linux/arm64", "linux/arm64", anywhere, nodes.All, "linux/arm64"},
		"not served":                      {"linux/arm64", "linux/amd64", anywhere, nodes.None, "linux/arm64"},
		"partly served":                   {"linux/amd64 linux/arm64", "linux/amd64", anywhere, nodes.Some, "linux/amd64 linux/arm64"},
		"the pod selects one of them":     {"linux/amd64 linux/arm64", "linux/amd64", selecting(archLabel, "amd64"), nodes.All, "linux/amd64"},
		"the variant stays":               {"linux/amd64 linux/arm/v6", "linux/arm/v7", selecting(archLabel, "arm"), nodes.None, "linux/arm/v6"},
		"the pod selects another":         {"linux/amd64", "linux/amd64", selecting(archLabel, "arm64"), nodes.None, "linux/arm64"},
		"the pod selects another, served": {"linux/amd64", "linux/arm64", selecting(osLabel, "linux", archLabel, "arm64"), nodes.All, "linux/arm64"},
		"the pod selects a system":        {"linux/amd64 windows/amd64", "linux/amd64", selecting(osLabel, "linux"), nodes.All, "linux/amd64"},
		"a system that is not declared":   {"linux/amd64", "linux/amd64", selecting(osLabel, "windows"), nodes.All, "linux/amd64"},
		"none declared":                   {"", "linux/arm64", anywhere, nodes.All, ""},
		"none declared, none served":      {"", "unknown/unknown", anywhere, nodes.None, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sources := map[string]interface {
				Candidates(*corev1.PodSpec) nodes.Candidates
			}{"declared": nodes.Declared(platforms(t, tt.declared))}
			if tt.declared != "" {
				sources["a snapshot"] = newSnapshot(t, tt.declared, newNode("plain", "linux/s390x"))
			}
			for source, n := range sources {
				got, compared := n.Candidates(&tt.spec).Serve(platforms(t, tt.offered))
				if got != tt.want {
					t.Errorf("%s: got %d, want %d", source, got, tt.want)
				}
				if diff := cmp.Diff(platforms(t, tt.compared), compared); diff != "" {
					t.Errorf("%s: platforms (-want +got):\n%s", source, diff)
				}
			}
		})
	}
}
