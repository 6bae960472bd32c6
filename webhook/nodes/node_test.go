package nodes_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// The status of the node replaces labels that were removed.
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
		"labels":                             {[]func(*corev1.Node){reporting}, "linux/amd64", nodes.All},
		"no labels":                          {[]func(*corev1.Node){unlabelled, reporting}, "linux/arm64", nodes.All},
		"no labels, another platform":        {[]func(*corev1.Node){unlabelled, reporting}, "linux/amd64", nodes.None},
		"no labels, no status":               {[]func(*corev1.Node){unlabelled}, "linux/amd64", nodes.Unknown},
		"no labels, no status, attestations": {[]func(*corev1.Node){unlabelled}, "unknown/unknown", nodes.None},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := newSnapshot(t, "", newNode("n", "linux/amd64", tt.changes...))
			if got, _ := all.Candidates(nil).Serve(platforms(t, tt.offered)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
