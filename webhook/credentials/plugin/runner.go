package plugin

import (
	"context"
	"errors"
	"sync"
)

// maxRuns bounds the programs that run at the same time. Each is a process, and authors of pods control how many images
// they list.
const maxRuns = 8

// The causes why a provider was not run.
var (
	errNoSlot = errors.New("too many providers are running")
	errClosed = errors.New("pullgate is shutting down")
)

// runner bounds and ends the runs of all providers.
type runner struct {
	// slots has room for one element per run.
	slots chan struct{}
	// ctx is the context of all runs.
	ctx       context.Context
	cancel    context.CancelFunc
	closeOnce sync.Once
}

func newRunner(slots int) *runner {
	ctx, cancel := context.WithCancel(context.Background())
	return &runner{slots: make(chan struct{}, slots), ctx: ctx, cancel: cancel}
}

// acquire waits for a slot until the context ends or the runner is closed.
func (r *runner) acquire(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return errNoSlot
	case <-r.ctx.Done():
		return errClosed
	case r.slots <- struct{}{}:
		return nil
	}
}

func (r *runner) release() { <-r.slots }

// close kills the running programs, waits for them and keeps all slots.
func (r *runner) close() {
	r.closeOnce.Do(func() {
		r.cancel()
		for range cap(r.slots) {
			r.slots <- struct{}{}
		}
	})
}
