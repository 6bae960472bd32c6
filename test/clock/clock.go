// Package clock has a fake clock for tests of the retries and backoffs of a whole engine.
package clock

import (
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

// Impatient is a fake clock whose timers end immediately. Only a call of Step moves its time, which is before all deadlines of
// contexts.
type Impatient struct{ *clocktesting.FakeClock }

// NewImpatient returns an Impatient.
func NewImpatient() Impatient { return Impatient{clocktesting.NewFakeClock(time.Unix(9e8, 0))} }

// NewTimer implements clock.Clock.
func (c Impatient) NewTimer(time.Duration) clock.Timer {
	timer := c.FakeClock.NewTimer(0)
	c.Step(0)
	return timer
}
