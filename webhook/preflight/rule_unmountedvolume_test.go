package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestUnmountedVolume: its failing pull keeps no container from starting.
func TestUnmountedVolume(t *testing.T) {
	t.Parallel()
	excused := imagepull.Verdict{
		Reason: imagepull.ReasonNotChecked,
		Detail: "no container mounts the volume",
		Warnings: []imagepull.Warning{{
			Reason:  imagepull.WarningUnmountedImageVolume,
			Message: "no container mounts the volume, whose image cannot be pulled: tag not found",
		}},
	}
	tests := map[string]struct {
		unmounted    bool
		answer, want imagepull.Verdict
	}{
		"mounted, absent":      {false, absent, absent},
		"unmounted, absent":    {true, absent, excused},
		"unmounted, there":     {true, works, works},
		"unmounted, no answer": {true, unavailable, unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(image, image)
			p.Uses[1].Kind, p.Uses[1].Unmounted = imagepull.Volume, test.unmounted
			resolver := &registry{script: map[string]imagepull.Verdict{image: test.answer}}
			got := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}}).Check(t.Context(), p, nil)
			if diff := cmp.Diff(test.answer, got[0].Verdict); diff != "" {
				t.Errorf("verdict on the container (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got[1].Verdict); diff != "" {
				t.Errorf("verdict on the volume (-want +got):\n%s", diff)
			}
		})
	}
}
