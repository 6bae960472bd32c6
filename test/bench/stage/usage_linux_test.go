package stage

import (
	"os"
	"testing"
)

func TestUsageOfThisProcess(t *testing.T) {
	t.Parallel()
	now, peak, err := memory(os.Getpid())
	if err != nil || now < 1<<20 || peak < now {
		t.Errorf("memory() = %d, %d, %v; want at least a mebibyte, and a peak that is not lower", now, peak, err)
	}
	if used, err := cpu(os.Getpid()); err != nil || used < 0 {
		t.Errorf("cpu() = %v, %v", used, err)
	}
}
