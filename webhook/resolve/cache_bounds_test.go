package resolve

import (
	"fmt"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	long := pullable
	for range 100 {
		long.Platforms = append(long.Platforms, imagepull.Platform{OS: "linux", OSFeatures: []string{"a"}})
		long.Manifests = append(long.Manifests, imagepull.Descriptor{
			Digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		})
	}
	tests := map[string]struct {
		verdict              imagepull.Verdict
		maxEntries, maxBytes int
		want                 int
	}{
		"entries":                               {pullable, 3, 1 << 20, 3},
		"bytes":                                 {long, 100, 80 << 10, 3},
		"bytes, below the size of a single one": {long, 100, 1 << 10, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := &fakeRegistry{verdict: tt.verdict}
			o := cacheOnly(newFakeClock())
			o.MaxEntries, o.MaxBytes = tt.maxEntries, tt.maxBytes
			r := newResolver(t, registry, o)
			for i := range 20 {
				for range 2 { // the second check takes no more room
					r.Resolve(t.Context(), tag(fmt.Sprint(i)), anonymous)
				}
			}
			if got := r.CacheEntries(); got != tt.want {
				t.Errorf("CacheEntries() = %d, want %d", got, tt.want)
			}
			before := registry.requests
			for i := 20 - tt.want; i < 20; i++ {
				r.Resolve(t.Context(), tag(fmt.Sprint(i)), anonymous)
			}
			if registry.requests != before {
				t.Error("the latest verdicts are not cached")
			}
		})
	}
}
