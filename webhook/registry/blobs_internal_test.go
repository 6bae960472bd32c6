package registry

import (
	"sync/atomic"
	"testing"

	"github.com/pullgate/pullgate/webhook/parallel"
)

func TestInParallelCallsTheFunctionForEachNumber(t *testing.T) {
	t.Parallel()
	var sum, workers atomic.Int64
	inParallel(100, func() int64 { return workers.Add(1) }, func(i int, _ int64) { sum.Add(int64(i)) })
	if sum.Load() != 4950 || workers.Load() != parallelBlobs {
		t.Errorf("got sum %d by %d workers, want 4950 by %d", sum.Load(), workers.Load(), parallelBlobs)
	}
}

func TestInParallelPanicsInTheCaller(t *testing.T) {
	t.Parallel()
	err := parallel.Recover(func() {
		inParallel(1, func() int { return 0 }, func(int, int) { panic("first") })
	})
	if err == nil {
		t.Error("inParallel did not panic, want the panic of the goroutine")
	}
}
