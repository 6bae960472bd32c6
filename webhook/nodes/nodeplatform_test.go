package nodes_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// The store of an informer has no order, and messages must not change from one moment to the next.
func TestComparedPlatformsAreSorted(t *testing.T) {
	t.Parallel()
	const offered = "linux/s390x"
	want := platforms(t, "linux/amd64 linux/arm64 windows/amd64 windows/amd64")
	want[2].OSVersion, want[3].OSVersion = "10.0.17763", "10.0.20348"
	build := func(build string) func(*corev1.Node) {
		return func(n *corev1.Node) { n.Labels[corev1.LabelWindowsBuild] = build }
	}
	all := []corev1.Node{
		newNode("a", "windows/amd64", build("10.0.20348")), newNode("b", "linux/arm64"),
		newNode("c", "windows/amd64", build("10.0.17763")), newNode("d", "linux/amd64"), newNode("e", "linux/amd64"),
	}
	for range all {
		all = append(all[1:], all[0])
		_, got := newSnapshot(t, "", all...).Candidates(nil).Serve(platforms(t, offered))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("platforms (-want +got):\n%s", diff)
		}
	}
}

func TestComparedPlatformsAreDistinct(t *testing.T) {
	t.Parallel()
	all := newSnapshot(t, "", slices.Repeat([]corev1.Node{newNode("a", "linux/amd64"), newNode("b", "linux/arm64")}, 20)...)
	_, compared := all.Candidates(nil).Serve(platforms(t, "linux/amd64"))
	if diff := cmp.Diff(platforms(t, "linux/amd64 linux/arm64"), compared); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
}
