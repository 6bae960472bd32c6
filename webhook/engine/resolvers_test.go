package engine

import (
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/config"
)

// The last request of a check may start when the admission ends, and its verdict is for the cache.
func TestCheckOutlivesTheAdmissionByOneRequest(t *testing.T) {
	t.Parallel()
	c := config.Default()
	if got, want := resolveOptions(c, clock.RealClock{}).Timeout, c.Timeouts.Admission+c.Timeouts.Request; got != want {
		t.Errorf("a check may last %s, want %s", got, want)
	}
}

func TestARegistryThatIsBackIsUsedWithinThirtySeconds(t *testing.T) {
	t.Parallel()
	if got := resolveOptions(config.Default(), clock.RealClock{}).Backoff.MaxDelay; got > 30*time.Second {
		t.Errorf("the longest delay is %s by default, want at most 30s", got)
	}
}
