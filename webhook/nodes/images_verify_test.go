package nodes_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// A kubelet's records of its pulls are for images, so a digest by any name makes every name of the image a pulled one.
func TestPullsAreRecordedByImage(t *testing.T) {
	t.Parallel()
	const imported = "docker.io/library/import-2026-11-22@" + digest
	tests := map[string]struct {
		names []string
		want  nodes.Presence
	}{
		"loaded":                                {[]string{web}, nodes.AllNodes},
		"pulled by this name":                   {[]string{webDigest, web}, nodes.AllNodesUnverified},
		"pulled by another name":                {[]string{"mirror.example/web@" + digest, "mirror.example/web:1", web}, nodes.AllNodesUnverified},
		"pulled by digest, by another name":     {[]string{"mirror.example/web@" + digest, web}, nodes.AllNodesUnverified},
		"loaded with all digests":               {[]string{imported, web}, nodes.AllNodes},
		"loaded with all digests, and pulled":   {[]string{imported, webDigest, web}, nodes.AllNodesUnverified},
		"built by Docker":                       {[]string{"<none>@<none>", web}, nodes.AllNodes},
		"loaded so often that names are hidden": {[]string{web, imported, imported, imported, imported}, nodes.AllNodesUnverified},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := newSnapshot(t, "", newNode("n", "linux/amd64", withImage(tt.names...)))
			if got := all.Candidates(nil).Presence(webImage()); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestVerificationFollowsThePolicyOfTheKubelets(t *testing.T) {
	t.Parallel()
	const old, first = "v1.34.9", "v1.35.0"
	tests := map[string]struct {
		policy         imagepull.VerifyImages
		kubelet        string
		loaded, pulled nodes.Presence
	}{
		"by default":              {"", first, nodes.AllNodes, nodes.AllNodesUnverified},
		"by default, old kubelet": {"", old, nodes.AllNodes, nodes.AllNodes},
		"preloaded":               {imagepull.NeverVerifyPreloadedImages, first, nodes.AllNodes, nodes.AllNodesUnverified},
		"never":                   {imagepull.NeverVerify, first, nodes.AllNodes, nodes.AllNodes},
		"never, old kubelet":      {imagepull.NeverVerify, old, nodes.AllNodes, nodes.AllNodes},
		"a list of exceptions":    {imagepull.NeverVerifyAllowlistedImages, first, nodes.AllNodesUnverified, nodes.AllNodesUnverified},
		"always":                  {imagepull.AlwaysVerify, first, nodes.AllNodesUnverified, nodes.AllNodesUnverified},
		"always, by feature gate": {imagepull.AlwaysVerify, old, nodes.AllNodesUnverified, nodes.AllNodesUnverified},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			presence := func(image func(*corev1.Node)) nodes.Presence {
				all := newSnapshot(t, "", newNode("n", "linux/amd64", image, withKubelet(tt.kubelet)))
				return all.Candidates(nil).WithProfile(nodes.Profile{VerifyImages: tt.policy}).Presence(webImage())
			}
			if got := presence(withImage(web)); got != tt.loaded {
				t.Errorf("a loaded image: got %d, want %d", got, tt.loaded)
			}
			if got := presence(withImage(webDigest, web)); got != tt.pulled {
				t.Errorf("a pulled image: got %d, want %d", got, tt.pulled)
			}
		})
	}
}

// An image that was loaded a moment ago is not in the node's list yet.
func TestAbsenceIsUncertainWhereImagesAreLoaded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*corev1.Node)
		want   nodes.Presence
	}{
		"pulled images":                    {withImage(otherDigest, "other.example/x:1"), nodes.Absent},
		"a loaded image":                   {withImage("other.example/x:1"), nodes.NotYetReported},
		"an image loaded with digests":     {withImage("docker.io/library/import-2026-11-22@"+digest, "other.example/x:1"), nodes.NotYetReported},
		"an image built by Docker":         {withImage("team/web:2"), nodes.NotYetReported},
		"an image that lost its name":      {withImage("<none>@<none>", "<none>:<none>"), nodes.Absent},
		"the pause image of EKS":           {withImage("localhost/kubernetes/pause:latest"), nodes.Absent},
		"images that AKS loads":            {withImage("mcr.microsoft.com/oss/kubernetes/coredns:v1.12.1"), nodes.Absent},
		"images of Kubernetes":             {withImage("registry.k8s.io/kube-proxy:v1.37.2"), nodes.Absent},
		"kind":                             {withProvider("kind://docker/kind/kind-worker"), nodes.NotYetReported},
		"k3d":                              {withProvider("k3s://k3d-dev-server-0"), nodes.NotYetReported},
		"k3s":                              {withProvider("k3s://edge-7"), nodes.NotYetReported},
		"k3s by its label":                 {withLabel(corev1.LabelInstanceTypeStable, "k3s"), nodes.NotYetReported},
		"minikube":                         {withLabel("minikube.k8s.io/name", "minikube"), nodes.NotYetReported},
		"MicroK8s":                         {withLabel("microk8s.io/cluster", "true"), nodes.NotYetReported},
		"Docker Desktop":                   {func(n *corev1.Node) { n.Name = "docker-desktop" }, nodes.NotYetReported},
		"a cloud":                          {withProvider("aws:///eu-west-1a/i-0123456789abcdef0"), nodes.Absent},
		"kind, and the image":              {combined(withProvider("kind://docker/kind/kind-worker"), withImage(web)), nodes.AllNodes},
		"kind, and a list that is cut off": {combined(withProvider("kind://docker/kind/kind-worker"), withImages(50)), nodes.Unreported},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := newSnapshot(t, "", newNode("n", "linux/amd64", tt.change))
			if got := all.Candidates(nil).Presence(webImage()); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestLengthOfACompleteList(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		configured, images int
		want               nodes.Presence
	}{
		"by default, not full":     {0, 49, nodes.Absent},
		"by default, full":         {0, 50, nodes.Unreported},
		"a smaller limit, full":    {10, 10, nodes.Unreported},
		"a greater limit":          {100, 99, nodes.Absent},
		"a greater limit, full":    {100, 100, nodes.Unreported},
		"no limit":                 {-1, 300, nodes.Absent},
		"no limit, not reported":   {-1, 0, nodes.Unreported},
		"a limit, and none at all": {100, 0, nodes.Unreported},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNode("n", "linux/amd64", func(n *corev1.Node) { n.Status.Images = nil }, withImages(tt.images))
			profile := nodes.Profile{MaxReportedImages: tt.configured}
			if got := newSnapshot(t, "", n).Candidates(nil).WithProfile(profile).Presence(webImage()); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// A list that is cut off omits images that are not larger than its last one. The size of an image is known if another node
// reports it by digest.
func TestSizeShowsThatAListIsComplete(t *testing.T) {
	t.Parallel()
	const mebibyte = 1 << 20
	byDigest := webImage()
	byDigest.Tag, byDigest.Digest = "", digest
	full := func(last int64) corev1.Node {
		return newNode("full", "linux/amd64", func(n *corev1.Node) { n.Status.Images = nil }, withImages(49), withSizedImage(last, pause), func(n *corev1.Node) {
			for i := range n.Status.Images[:49] {
				n.Status.Images[i].SizeBytes = 100 * mebibyte
			}
		})
	}
	holder := func(platform string, size int64) corev1.Node {
		return newNode("holder", platform, withSizedImage(size, webDigest, web), withTaint("mine", corev1.TaintEffectNoSchedule))
	}
	tests := map[string]struct {
		ref   imagepull.Reference
		nodes []corev1.Node
		want  nodes.Presence
	}{
		"size not known":         {byDigest, []corev1.Node{full(mebibyte)}, nodes.Unreported},
		"larger than the last":   {byDigest, []corev1.Node{full(mebibyte), holder("linux/amd64", 2*mebibyte)}, nodes.Absent},
		"as large as the last":   {byDigest, []corev1.Node{full(mebibyte), holder("linux/amd64", mebibyte)}, nodes.Unreported},
		"hardly larger":          {byDigest, []corev1.Node{full(mebibyte), holder("linux/amd64", mebibyte+1)}, nodes.Unreported},
		"smaller than the last":  {byDigest, []corev1.Node{full(3 * mebibyte), holder("linux/amd64", 2*mebibyte)}, nodes.Unreported},
		"the node has no sizes":  {byDigest, []corev1.Node{full(0), holder("linux/amd64", 2*mebibyte)}, nodes.Unreported},
		"the holder has no size": {byDigest, []corev1.Node{full(mebibyte), holder("linux/amd64", 0)}, nodes.Unreported},
		"on another platform":    {byDigest, []corev1.Node{full(mebibyte), holder("linux/arm64", 2*mebibyte)}, nodes.Unreported},
		"by tag":                 {webImage(), []corev1.Node{full(mebibyte), holder("linux/amd64", 2*mebibyte)}, nodes.Unreported},
		"several sizes": {byDigest, []corev1.Node{
			full(mebibyte), holder("linux/amd64", 2*mebibyte), holder("linux/amd64", mebibyte),
		}, nodes.Unreported},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := newSnapshot(t, "", tt.nodes...).Candidates(nil).Presence(tt.ref); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
