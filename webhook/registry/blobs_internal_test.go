package registry

import (
	"sync/atomic"
	"testing"
)

func TestInParallelReachesAll(t *testing.T) {
	t.Parallel()
	var sum, workers atomic.Int64
	inParallel(100, func(i int, _ *pull) { sum.Add(int64(i)) }, func() *pull {
		workers.Add(1)
		return nil
	})
	if sum.Load() != 4950 || workers.Load() != parallelParts {
		t.Errorf("got sum %d by %d workers, want 4950 by %d", sum.Load(), workers.Load(), parallelParts)
	}
}

func TestInParallelPanicsInTheCaller(t *testing.T) {
	t.Parallel()
	defer func() {
		if cause := recover(); cause != "first" {
			t.Errorf("recovered %v, want the panic of the worker", cause)
		}
	}()
	inParallel(1, func(int, *pull) { panic("first") }, func() *pull { return nil })
}
