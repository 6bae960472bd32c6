package preflight_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestPartsOnNodes: a node fetches what it lacks, whatever the policy says of the image.
func TestPartsOnNodes(t *testing.T) {
	t.Parallel()
	amd := func(images ...string) corev1.Node { return machine("a", "amd64", images...) }
	const maybe = "NodeCache: the registry has lost layer 1 of 2, but a node may hold it already"
	tests := map[string]struct {
		nodes  []corev1.Node
		policy imagepull.PullPolicy
		want   string
	}{
		"nobody holds any":                  {[]corev1.Node{amd("other.example/x:1")}, imagepull.PullAlways, brief(lost)},
		"nobody holds any, if not present":  {[]corev1.Node{amd("other.example/x:1")}, imagepull.PullIfNotPresent, brief(lost)},
		"the image is there, and asked for": {[]corev1.Node{amd(image)}, imagepull.PullAlways, maybe},
		"the image is there":                {[]corev1.Node{amd(image)}, imagepull.PullIfNotPresent, brief(onNodes)},
		"another version":                   {[]corev1.Node{amd(repository + ":0")}, imagepull.PullIfNotPresent, maybe},
		"nodes that report late":            {[]corev1.Node{unreported("a")}, imagepull.PullAlways, maybe},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(image)
			p.Uses[0].PullPolicy = test.policy
			findings := preflight.New(preflight.Options{
				Resolver:    &registry{script: map[string]imagepull.Verdict{image: single()}},
				Deep:        insides(map[int]imagepull.Verdict{0: lost}),
				Credentials: &secrets{},
				Nodes:       clusterOf(t, test.nodes...),
			}).Check(t.Context(), p, nil)
			if got := brief(findings[0].Verdict); got != test.want {
				t.Errorf("got verdict %q, want %q", got, test.want)
			}
		})
	}
}
