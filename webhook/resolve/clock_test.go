package resolve_test

import (
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

// steppingClock passes over every wait at once, and adds them up.
type steppingClock struct {
	*clocktesting.FakeClock
	slept time.Duration
}

func (c *steppingClock) NewTimer(d time.Duration) clock.Timer {
	timer := c.FakeClock.NewTimer(d)
	c.slept += d
	c.Step(d)
	return timer
}
