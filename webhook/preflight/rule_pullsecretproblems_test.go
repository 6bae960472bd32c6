package preflight_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestMissingSecretIsAWarning: once a pod, on an image that is pulled without it.
func TestMissingSecretIsAWarning(t *testing.T) {
	t.Parallel()
	advice := []imagepull.Warning{
		{Reason: imagepull.WarningPullSecretMissing, Message: `pull secret "gone" and 1 more do not exist`},
	}
	script := map[string]imagepull.Verdict{
		"registry.example/absent:1": absent, "registry.example/busy:1": busy,
		"registry.example/a:1": works, "registry.example/b:1": works,
	}
	tests := map[string]struct {
		images  []string
		advised int
	}{
		"the only image":                {[]string{"registry.example/a:1"}, 0},
		"the first of two":              {[]string{"registry.example/a:1", "registry.example/b:1"}, 0},
		"after one that is absent":      {[]string{"registry.example/absent:1", "registry.example/a:1"}, 1},
		"after doubt":                   {[]string{"registry.example/busy:1", "registry.example/a:1"}, 1},
		"after one that is not checked": {[]string{"skipped.example/x:1", "registry.example/a:1"}, 1},
		"none can be pulled":            {[]string{"registry.example/absent:1", "registry.example/busy:1"}, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := preflight.New(preflight.Options{
				Resolver:       &registry{script: script},
				Credentials:    &secrets{set: credentials.Set{Missing: []string{"gone", "lost"}}},
				SkipRegistries: hosts(t, "skipped.example"),
			}).Check(t.Context(), pod(test.images...), nil)
			for i, f := range got {
				var want []imagepull.Warning
				if i == test.advised {
					want = advice
				}
				if diff := cmp.Diff(want, f.Warnings); diff != "" {
					t.Errorf("advice on %s (-want +got):\n%s", f.Image, diff)
				}
			}
		})
	}
}

// TestWarningsAreNotShared: what is said of one use must not show up at another of the same image.
func TestWarningsAreNotShared(t *testing.T) {
	t.Parallel()
	artifact := works
	artifact.Warnings = append(make([]imagepull.Warning, 0, 4), imagepull.Warning{Reason: imagepull.WarningNotAContainerImage, Message: "a chart"})
	got := preflight.New(preflight.Options{
		Resolver:    &registry{script: map[string]imagepull.Verdict{image: artifact}},
		Credentials: &secrets{set: credentials.Set{Missing: []string{"gone"}}},
	}).Check(t.Context(), pod(image, image), nil)
	for i, want := range []int{2, 1} {
		if len(got[i].Warnings) != want {
			t.Errorf("use %d has the advice %v, want %d", i, got[i].Warnings, want)
		}
	}
	if spare := fmt.Sprint(artifact.Warnings[:2]); spare != fmt.Sprint([]imagepull.Warning{artifact.Warnings[0], {}}) {
		t.Errorf("the resolver's own advice became %s", spare)
	}
}
