package nodes_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// BenchmarkCandidates measures the candidates of a pod, and the presence of its image, in clusters of three sizes.
func BenchmarkCandidates(b *testing.B) {
	compared := imagepull.Reference{Domain: "registry.example", Path: "shop/web", Tag: "1"}
	for _, size := range []int{10, 1000, 5000} {
		b.Run(fmt.Sprintf("nodes=%d", size), func(b *testing.B) {
			var all []corev1.Node
			for i := range size {
				all = append(all, newNode(fmt.Sprintf("node-%d", i), "linux/amd64", withImages(40)))
			}
			newSnapshot, err := nodes.List(b.Context(), &nodeClient{nodes: all}, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if newSnapshot.Candidates(&corev1.PodSpec{}).Presence(compared) == nodes.AllNodes {
					b.Fatal("Presence() = AllNodes of an image that no node has")
				}
			}
		})
	}
}
