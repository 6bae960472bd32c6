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
	pods := map[string]corev1.PodSpec{
		"any node":      podOf(requesting("cpu", "500m", "memory", "1Gi")),
		"a pool":        {NodeSelector: map[string]string{"pool": "pool-1"}},
		"a named node":  {Affinity: requiring(named("node-1"))},
		"a host's name": {NodeSelector: map[string]string{corev1.LabelHostname: "node-1"}},
	}
	for _, size := range []int{10, 1000, 5000} {
		var all []corev1.Node
		for i := range size {
			all = append(all, newLargeNode(i))
		}
		snapshot, err := nodes.List(b.Context(), &nodeClient{nodes: all}, nil)
		if err != nil {
			b.Fatal(err)
		}
		for name, spec := range pods {
			b.Run(fmt.Sprintf("%s/nodes=%d", name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if snapshot.Candidates(&spec).Presence(compared) == nodes.AllNodes {
						b.Fatal("Presence() = AllNodes of an image that no node has")
					}
				}
			})
		}
	}
}

// newLargeNode returns a node of a large cluster: it has labels of its own, 30 labels that other nodes have, and 50 images that no
// other node has.
func newLargeNode(i int) corev1.Node {
	name := fmt.Sprintf("node-%d", i)
	n := newNode(name, "linux/amd64", withKubelet("v1.37.2"), withRuntime("containerd://2.4.2"),
		withLabel(corev1.LabelHostname, name), withLabel("example.com/machine", fmt.Sprintf("machine-%032d", i)),
		withLabel(corev1.LabelTopologyZone, fmt.Sprintf("zone-%d", i%3)), withLabel("pool", fmt.Sprintf("pool-%d", i%5)),
		withAllocatable("cpu", "7910m"), withAllocatable("memory", fmt.Sprintf("%dKi", 31<<20+i%100*4)))
	for j := range 30 {
		withLabel(fmt.Sprintf("node.example.com/feature-%d", j), "present")(&n)
	}
	for j := len(n.Status.Images); j < 50; j++ {
		id := i*50 + j
		withSizedImage(int64(100-j)<<20, fmt.Sprintf("registry.example/team-%d/service-%d@sha256:%064x", j, id, id),
			fmt.Sprintf("registry.example/team-%d/service-%d:v1.0.%d", j, id, id))(&n)
	}
	return n
}
