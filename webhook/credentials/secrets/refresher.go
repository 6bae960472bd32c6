package secrets

import (
	"context"
	"sync"
	"time"
)

const (
	// refreshTimeout is the time for a read in the background.
	refreshTimeout = 5 * time.Second
	// maxRefreshes bounds the simultaneous reads in the background. An object that finds no place is read again later.
	maxRefreshes = 16
)

// refresher runs reads in the background. They outlive the reviews that start them, and end at close.
type refresher struct {
	ctx    context.Context
	cancel context.CancelFunc
	// slots has room for one element per read.
	slots     chan struct{}
	closeOnce sync.Once
}

func newRefresher() *refresher {
	ctx, cancel := context.WithCancel(context.Background())
	return &refresher{ctx: ctx, cancel: cancel, slots: make(chan struct{}, maxRefreshes)}
}

// start runs read in a goroutine, or returns false if too many reads run.
func (r *refresher) start(read func(context.Context)) bool {
	select {
	case r.slots <- struct{}{}:
	default:
		return false
	}
	go func() {
		defer func() { <-r.slots }()
		ctx, cancel := context.WithTimeout(r.ctx, refreshTimeout)
		defer cancel()
		read(ctx)
	}()
	return true
}

// close ends the reads that run, waits for them and keeps all slots.
func (r *refresher) close() {
	r.closeOnce.Do(func() {
		r.cancel()
		for range cap(r.slots) {
			r.slots <- struct{}{}
		}
	})
}
