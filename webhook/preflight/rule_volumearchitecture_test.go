package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestVolumeHasNoArchitectureWarning(t *testing.T) {
	t.Parallel()
	p := pod(image, image)
	p.Uses[1].Kind = imagepull.Volume
	findings := preflight.New(preflight.Options{
		Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: single()}},
		Contents:    deepResolver(map[int]imagepull.Verdict{0: builtFor(platform("linux", "arm64", ""))}),
		Deep:        true,
		Credentials: &secrets{},
		Nodes:       nodes.Declared{platform("linux", "amd64", "")},
	}).Check(t.Context(), p, nil)
	got := []int{len(findings[0].Warnings), len(findings[1].Warnings)}
	if diff := cmp.Diff([]int{1, 0}, got); diff != "" {
		t.Errorf("warnings of container and volume (-want +got):\n%s", diff)
	}
}
