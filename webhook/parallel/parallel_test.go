package parallel_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pullgate/pullgate/webhook/parallel"
)

func TestWaitReturnsAfterAllFunctions(t *testing.T) {
	t.Parallel()
	var (
		g    parallel.Group
		done atomic.Int64
	)
	for range 10 {
		g.Go(func() { done.Add(1) })
	}
	g.Wait()
	if got := done.Load(); got != 10 {
		t.Errorf("Wait() returned after %d of 10 functions", got)
	}
}

func TestWaitPanicsAsAFunctionDid(t *testing.T) {
	t.Parallel()
	var g parallel.Group
	var done atomic.Bool
	g.Go(func() { panicHere("secret") })
	g.Go(func() { done.Store(true) })
	err := parallel.Recover(g.Wait)
	if err == nil {
		t.Fatal("Wait() did not panic")
	}
	if got, want := err.Error(), "panic of string"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if !strings.Contains(err.Stack(), "panicHere") {
		t.Errorf("the stack does not name the function that panicked:\n%s", err.Stack())
	}
	if !done.Load() {
		t.Error("Wait() panicked before the other function had returned")
	}
}

func TestRecoverReturnsNilWithoutAPanic(t *testing.T) {
	t.Parallel()
	if err := parallel.Recover(func() {}); err != nil {
		t.Errorf("Recover() = %v, want nil", err)
	}
}

func panicHere(value string) { panic(value) }
