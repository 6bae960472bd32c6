package preflight_test

import (
	"testing"
	"time"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestOrigin: whatever becomes of a verdict, where its cause came from is not lost.
func TestOrigin(t *testing.T) {
	t.Parallel()
	fromCache := func(v imagepull.Verdict) imagepull.Verdict {
		v.Origin, v.Age = imagepull.OriginCache, 3*time.Second
		return v
	}
	unreadable := []credentials.Problem{{Subject: "pull secret", Detail: "timed out"}}
	tests := map[string]struct {
		set       credentials.Set
		says      imagepull.Verdict
		unmounted bool
		want      imagepull.Reason
	}{
		"works":                       {says: works, want: imagepull.ReasonPullable},
		"refused":                     {says: private, want: imagepull.ReasonAccessDenied},
		"refused, for want of secret": {set: credentials.Set{Unreadable: unreadable}, says: private, want: imagepull.ReasonNodeCredentials},
		"excused":                     {says: absent, unmounted: true, want: imagepull.ReasonNotChecked},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(image)
			p.Uses[0].Unmounted = tt.unmounted
			got := preflight.New(preflight.Options{
				Resolver:    &registry{script: map[string]imagepull.Verdict{image: fromCache(tt.says)}},
				Credentials: &secrets{set: tt.set},
			}).Check(t.Context(), p, nil)
			if got[0].Reason != tt.want || got[0].Provenance() != "cache 3s" {
				t.Errorf("got %s from %s, want %s from cache 3s", got[0].Reason, got[0].Provenance(), tt.want)
			}
		})
	}
}
