package preflight_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// The pull policy does not matter: a runtime fetches only the layers that it lacks.
func TestCachedLayersMakeAMissingLayerIndeterminate(t *testing.T) {
	t.Parallel()
	amd := func(images ...string) corev1.Node { return newNode("a", "amd64", images...) }
	const (
		lost       = "the registry has lost layer 1 of 2"
		maybe      = "NodeCache: " + lost + ", but a node may hold it already"
		unreported = "NodeCacheUnreported: " + lost + ", but a node may hold it without reporting it"
	)
	tests := map[string]struct {
		nodes  []corev1.Node
		policy imagepull.PullPolicy
		want   string
	}{
		"other images":                 {[]corev1.Node{amd("other.example/x@sha256:1")}, imagepull.PullAlways, summary(missingLayer)},
		"other images, IfNotPresent":   {[]corev1.Node{amd("other.example/x@sha256:1")}, imagepull.PullIfNotPresent, summary(missingLayer)},
		"the image, Always":            {[]corev1.Node{amd(image)}, imagepull.PullAlways, maybe},
		"the image, IfNotPresent":      {[]corev1.Node{amd(image)}, imagepull.PullIfNotPresent, summary(presentBut(lost))},
		"another tag":                  {[]corev1.Node{amd(repository+"@sha256:1", repository+":0")}, imagepull.PullIfNotPresent, maybe},
		"another tag, loaded":          {[]corev1.Node{amd(repository + ":0")}, imagepull.PullAlways, maybe},
		"a kind node":                  {[]corev1.Node{localNode("a")}, imagepull.PullAlways, unreported},
		"a node that has not reported": {[]corev1.Node{unreportedNode("a")}, imagepull.PullAlways, unreported},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(image)
			p.Uses[0].PullPolicy = test.policy
			findings := preflight.New(preflight.Options{
				Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: single()}},
				Contents:    deepResolver(map[int]imagepull.Verdict{0: missingLayer}),
				Deep:        true,
				Credentials: &secrets{},
				Nodes:       newSnapshot(t, test.nodes...),
			}).Check(t.Context(), p, nil)
			if got := summary(findings[0].Verdict); got != test.want {
				t.Errorf("got verdict %q, want %q", got, test.want)
			}
		})
	}
}
