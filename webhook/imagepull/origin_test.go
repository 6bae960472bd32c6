package imagepull_test

import (
	"testing"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestProvenanceHasOriginAndAge(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]imagepull.Verdict{
		"none":         {},
		"registry":     {Origin: imagepull.OriginRegistry},
		"cache 12s":    {Origin: imagepull.OriginCache, Age: 12345 * time.Millisecond},
		"backoff 1m0s": {Origin: imagepull.OriginBackoff, Age: time.Minute},
	} {
		if got := v.Provenance(); got != want {
			t.Errorf("Provenance() = %q, want %q", got, want)
		}
	}
}
