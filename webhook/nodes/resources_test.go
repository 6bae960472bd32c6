package nodes_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/pullgate/pullgate/webhook/nodes"
)

const gpu = "nvidia.com/gpu"

// amounts returns a list of resources from names and amounts.
func amounts(pairs ...string) corev1.ResourceList {
	list := make(corev1.ResourceList)
	for i := 0; i < len(pairs); i += 2 {
		list[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return list
}

// requesting returns a container with these requests.
func requesting(pairs ...string) corev1.Container {
	return corev1.Container{Resources: corev1.ResourceRequirements{Requests: amounts(pairs...)}}
}

// limiting returns a container with these limits.
func limiting(pairs ...string) corev1.Container {
	return corev1.Container{Resources: corev1.ResourceRequirements{Limits: amounts(pairs...)}}
}

// manyResources returns a container with this number of devices.
func manyResources(number int) corev1.Container {
	var pairs []string
	for i := range number {
		pairs = append(pairs, fmt.Sprintf("example.com/device-%d", i), "1")
	}
	return limiting(pairs...)
}

func podOf(containers ...corev1.Container) corev1.PodSpec {
	return corev1.PodSpec{Containers: containers}
}

// The small node is amd64: it has 2 processors, 4Gi of memory and no GPU. The large node is arm64 and has GPUs. The index offers
// amd64 only, so that no candidate is served if only the large node counts.
func TestANodeThatCannotHoldThePodIsNoCandidate(t *testing.T) {
	t.Parallel()
	always := corev1.ContainerRestartPolicyAlways
	sidecar := requesting("cpu", "1500m")
	sidecar.RestartPolicy = &always
	overhead := podOf(requesting("cpu", "1"))
	overhead.Overhead = amounts("cpu", "1500m")
	podLevel := podOf(requesting("cpu", "100m"))
	podLevel.Resources = &corev1.ResourceRequirements{Requests: amounts("cpu", "3")}
	podLevelLess := podOf(requesting("cpu", "3"))
	podLevelLess.Resources = &corev1.ResourceRequirements{Requests: amounts("cpu", "1")}
	podLevelLimit := func(containers []corev1.Container, pairs ...string) corev1.PodSpec {
		spec := podOf(containers...)
		spec.Resources = &corev1.ResourceRequirements{Limits: amounts(pairs...)}
		return spec
	}
	podLevelBoth := podLevelLimit(nil, "cpu", "3")
	podLevelBoth.Resources.Requests = amounts("cpu", "1")
	initAndMain := func(initial ...corev1.Container) corev1.PodSpec {
		return corev1.PodSpec{InitContainers: initial, Containers: []corev1.Container{requesting("cpu", "1")}}
	}
	bound := podOf(requesting("cpu", "3"))
	bound.NodeName = "small"
	lowerRequest := limiting("cpu", "3")
	lowerRequest.Resources.Requests = amounts("cpu", "1")
	tests := map[string]struct {
		spec corev1.PodSpec
		// fit is of the small node's platform.
		fit nodes.Fit
	}{
		"no requests":                           {podOf(corev1.Container{}), nodes.Some},
		"all processors":                        {podOf(requesting("cpu", "2")), nodes.Some},
		"more processors":                       {podOf(requesting("cpu", "2001m")), nodes.None},
		"more memory":                           {podOf(requesting("memory", "5Gi")), nodes.None},
		"more storage":                          {podOf(requesting("ephemeral-storage", "11Gi")), nodes.None},
		"the sum of containers":                 {podOf(requesting("cpu", "1500m"), requesting("cpu", "1500m")), nodes.None},
		"init containers run one by one":        {initAndMain(requesting("cpu", "1500m"), requesting("cpu", "1500m")), nodes.Some},
		"the largest init container":            {initAndMain(requesting("cpu", "3")), nodes.None},
		"a sidecar runs beside the containers":  {initAndMain(sidecar), nodes.None},
		"the overhead of the runtime class":     {overhead, nodes.None},
		"the pod's own requests":                {podLevel, nodes.None},
		"the pod's own requests, less":          {podLevelLess, nodes.Some},
		"the pod's own limit":                   {podLevelLimit(nil, "cpu", "3"), nodes.None},
		"the pod's own limit, lower request":    {podLevelBoth, nodes.Some},
		"the pod's own limit, and a container":  {podLevelLimit([]corev1.Container{requesting("cpu", "1")}, "cpu", "3"), nodes.Some},
		"the pod's own limit, and its memory":   {podLevelLimit([]corev1.Container{requesting("memory", "1Gi")}, "cpu", "3"), nodes.None},
		"the pod's own limit, and limits":       {podLevelLimit([]corev1.Container{limiting("cpu", "1")}, "cpu", "3"), nodes.Some},
		"the pod's own large pages":             {podLevelLimit([]corev1.Container{requesting("hugepages-2Mi", "2Mi")}, "hugepages-2Mi", "256Mi"), nodes.None},
		"a limit that pods cannot have":         {podLevelLimit(nil, "ephemeral-storage", "11Gi"), nodes.Some},
		"limits without requests":               {podOf(limiting("cpu", "3")), nodes.None},
		"limits with lower requests":            {podOf(lowerRequest), nodes.Some},
		"limits without requests, init":         {corev1.PodSpec{InitContainers: []corev1.Container{limiting("cpu", "3")}}, nodes.None},
		"large pages":                           {podOf(requesting("hugepages-2Mi", "64Mi")), nodes.Some},
		"more large pages":                      {podOf(requesting("hugepages-2Mi", "256Mi")), nodes.None},
		"large pages that the node lacks":       {podOf(requesting("hugepages-1Gi", "1Gi")), nodes.None},
		"a device that the node has too few of": {podOf(limiting("example.com/fpga", "4")), nodes.None},
		"a request of zero":                     {podOf(requesting(gpu, "0")), nodes.Some},
		"the pod is on the node":                {bound, nodes.All},
	}
	small := newNode("small", "linux/amd64", withAllocatable("cpu", "2"), withAllocatable("memory", "4Gi"), withAllocatable("ephemeral-storage", "10Gi"),
		withAllocatable("pods", "0"), withAllocatable("hugepages-2Mi", "128Mi"), withAllocatable("hugepages-1Gi", "0"), withAllocatable("example.com/fpga", "2"))
	large := newNode("large", "linux/arm64", withAllocatable("cpu", "64"), withAllocatable("memory", "256Gi"), withAllocatable("ephemeral-storage", "1Ti"),
		withAllocatable("pods", "110"), withAllocatable("hugepages-2Mi", "1Gi"), withAllocatable("hugepages-1Gi", "8Gi"), withAllocatable(gpu, "8"), withAllocatable("example.com/fpga", "4"))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, _ := newSnapshot(t, "", small, large).Candidates(&tt.spec).Serve(platforms(t, "linux/amd64")); got != tt.fit {
				t.Errorf("got %d, want %d", got, tt.fit)
			}
		})
	}
}

// The autoscaler brings another node, whose platform is not known.
func TestNoPresentNodeCanTakeThePod(t *testing.T) {
	t.Parallel()
	pinned := podOf(limiting(gpu, "1"))
	pinned.NodeSelector = map[string]string{osLabel: "linux", archLabel: "amd64"}
	amd := func(name string, changes ...func(*corev1.Node)) corev1.Node {
		return newNode(name, "linux/amd64", append(changes, withAllocatable("cpu", "4"))...)
	}
	claiming, volume, ephemeral, other := podOf(), podOf(), podOf(), podOf()
	claiming.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: new("gpu")}}
	volume.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
	ephemeral.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}}}
	other.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	tests := map[string]struct {
		spec    corev1.PodSpec
		nodes   []corev1.Node
		offered string
		want    nodes.Fit
	}{
		"no GPU":                            {podOf(limiting(gpu, "1")), []corev1.Node{amd("a"), amd("b")}, "linux/arm64", nodes.NoCandidate},
		"no GPU, and served":                {podOf(limiting(gpu, "1")), []corev1.Node{amd("a")}, "linux/amd64", nodes.All},
		"no GPU, but an architecture":       {pinned, []corev1.Node{amd("a")}, "linux/arm64", nodes.None},
		"no GPU by its plugin now":          {podOf(limiting(gpu, "1")), []corev1.Node{amd("a", withAllocatable(gpu, "0"))}, "linux/arm64", nodes.NoCandidate},
		"too few GPUs":                      {podOf(limiting(gpu, "2")), []corev1.Node{amd("a", withAllocatable(gpu, "1"))}, "linux/arm64", nodes.NoCandidate},
		"a GPU":                             {podOf(limiting(gpu, "1")), []corev1.Node{amd("a", withAllocatable(gpu, "1"))}, "linux/arm64", nodes.None},
		"a GPU, and a node without":         {podOf(limiting(gpu, "1")), []corev1.Node{amd("a", withAllocatable(gpu, "1")), amd("b")}, "linux/arm64", nodes.None},
		"a driver may allocate the GPU":     {podOf(limiting(gpu, "1")), []corev1.Node{amd("a", withAllocatable(gpu, "1")), newNode("b", "linux/arm64")}, "linux/arm64", nodes.Some},
		"a device of a class":               {podOf(limiting("deviceclass.resource.kubernetes.io/gpu", "1")), []corev1.Node{amd("a")}, "linux/arm64", nodes.NoCandidate},
		"too few processors":                {podOf(requesting("cpu", "8")), []corev1.Node{amd("a")}, "linux/arm64", nodes.NoCandidate},
		"processors not reported":           {podOf(requesting("cpu", "8")), []corev1.Node{newNode("a", "linux/amd64")}, "linux/arm64", nodes.None},
		"a resource claim":                  {claiming, []corev1.Node{amd("a")}, "linux/arm64", nodes.NoCandidate},
		"a resource claim, and served":      {claiming, []corev1.Node{amd("a")}, "linux/amd64", nodes.All},
		"a volume":                          {volume, []corev1.Node{amd("a")}, "linux/arm64", nodes.NoCandidate},
		"an ephemeral volume":               {ephemeral, []corev1.Node{amd("a")}, "linux/arm64", nodes.NoCandidate},
		"another volume":                    {other, []corev1.Node{amd("a")}, "linux/arm64", nodes.None},
		"more resources than the limit":     {podOf(manyResources(257)), []corev1.Node{amd("a")}, "linux/arm64", nodes.NoCandidate},
		"a taint, beside too few resources": {podOf(requesting("cpu", "8")), []corev1.Node{amd("a", cordoned)}, "linux/arm64", nodes.NoCandidate},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, _ := newSnapshot(t, "", tt.nodes...).Candidates(&tt.spec).Serve(platforms(t, tt.offered)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
