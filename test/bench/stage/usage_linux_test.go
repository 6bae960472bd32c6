package stage

import (
	"testing"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	p := itself(t)
	now, peak, err := p.Memory()
	if err != nil || now < 1<<20 || peak < now {
		t.Errorf("Memory() = %d, %d, %v; want at least a mebibyte, and a peak that is not lower", now, peak, err)
	}
	if used, err := p.CPU(); err != nil || used < 0 {
		t.Errorf("CPU() = %v, %v", used, err)
	}
}
