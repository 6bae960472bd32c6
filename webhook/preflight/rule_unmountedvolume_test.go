package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// A failed pull for an unmounted volume stops no container.
func TestUnmountedVolumeIsExcused(t *testing.T) {
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
		unmounted      bool
		response, want imagepull.Verdict
	}{
		"mounted, not found":     {false, absent, absent},
		"unmounted, not found":   {true, absent, excused},
		"unmounted, pullable":    {true, pullable, pullable},
		"unmounted, unavailable": {true, unavailable, unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(image, image)
			p.Uses[1].Kind, p.Uses[1].Unmounted = imagepull.Volume, test.unmounted
			resolver := &scriptedResolver{script: map[string]imagepull.Verdict{image: test.response}}
			got := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}}).Check(t.Context(), p, nil)
			if diff := cmp.Diff(test.response, got[0].Verdict); diff != "" {
				t.Errorf("verdict on the container (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got[1].Verdict); diff != "" {
				t.Errorf("verdict on the volume (-want +got):\n%s", diff)
			}
		})
	}
}
