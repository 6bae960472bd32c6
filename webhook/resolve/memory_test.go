package resolve_test

import (
	"fmt"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// TestCachedBounds: what was not asked for the longest makes room.
func TestCachedBounds(t *testing.T) {
	t.Parallel()
	long := pullable
	for range 100 {
		long.Platforms = append(long.Platforms, imagepull.Platform{OS: "linux", OSFeatures: []string{"a"}})
		long.Digests = append(long.Digests, "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	}
	tests := map[string]struct {
		says    imagepull.Verdict
		options resolve.CacheOptions
		want    int
	}{
		"entries":               {pullable, resolve.CacheOptions{MaxEntries: 3}, 3},
		"bytes":                 {long, resolve.CacheOptions{MaxBytes: 64 << 10}, 3},
		"larger than all bytes": {long, resolve.CacheOptions{MaxBytes: 1 << 10}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &site{says: tt.says}
			tt.options.Lifetimes, tt.options.Clock = lifetimes(), clocktesting.NewFakeClock(time.Unix(1e9, 0))
			c := newCached(t, s, tt.options)
			for i := range 20 {
				for range 2 { // the same again takes no more room
					c.Resolve(t.Context(), tag(fmt.Sprint(i)), nobody)
				}
			}
			if got := c.Len(); got != tt.want {
				t.Errorf("Len() = %d, want %d", got, tt.want)
			}
			before := s.asked
			for i := 20 - tt.want; i < 20; i++ {
				c.Resolve(t.Context(), tag(fmt.Sprint(i)), nobody)
			}
			if s.asked != before {
				t.Error("the latest are not those that are kept")
			}
		})
	}
}

func TestNewCachedNeedsRoom(t *testing.T) {
	t.Parallel()
	if c, err := resolve.NewCached(&site{}, resolve.CacheOptions{MaxBytes: 1}); err == nil || c != nil {
		t.Errorf("NewCached() = %v, %v, want an error", c, err)
	}
}
