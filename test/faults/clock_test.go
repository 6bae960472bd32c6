package faults

import (
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

// impatientClock is a fake clock whose timers end immediately. Only a call of Step moves its time, which is before all deadlines of
// contexts.
type impatientClock struct{ *clocktesting.FakeClock }

func newImpatientClock() impatientClock {
	return impatientClock{clocktesting.NewFakeClock(time.Unix(9e8, 0))}
}

func (c impatientClock) NewTimer(time.Duration) clock.Timer {
	timer := c.FakeClock.NewTimer(0)
	c.Step(0)
	return timer
}
