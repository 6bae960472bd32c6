package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Bounds of the bodies of all responses together. Registries may be hostile, and tenants choose them.
const (
	// freeBytes is how much of each body may be in memory without a place. Nearly all manifests, indexes, tokens and errors are
	// shorter: the manifest of an image of 127 layers has 25 KiB. 256 simultaneous checks hold 8 MiB of such bodies. A slow body
	// of this length therefore delays no other.
	freeBytes = 32 << 10
	// placeBytes is the least that a longer body takes of the budget.
	placeBytes = 2 << 20
	// budgetBytes bounds all longer bodies. It has room for 8 bodies at a time, or for 3 of the greatest length.
	budgetBytes = 8 * placeBytes
)

// placeTime bounds how long a body holds its place before it is complete, so that slow bodies make others wait for a short time
// only. It is one second of the 2.5 s that an exchange may take by default. The largest manifest arrives in that time at 5 MB/s.
func placeTime(exchange time.Duration) time.Duration { return exchange * 2 / 5 }

// ErrBusy is the error of a body that found no place before the time of its exchange ended.
var ErrBusy = errors.New("too many large responses are read at the same time")

// errSlow is the error of a body that was not complete when it had to give back its place.
var errSlow = fmt.Errorf("reading a large response: %w", context.DeadlineExceeded)

// place is a body's part of the budget. It is taken when the body is found to be long, and released when the body is closed.
type place struct {
	budget *semaphore.Weighted
	weight int64
	time   time.Duration
	// ctx is the context of the exchange, and cancel ends it.
	ctx     context.Context
	cancel  context.CancelFunc
	taken   bool
	expiry  *time.Timer
	expired atomic.Bool
}

// newPlace returns a place for the body of a response. The stated length counts, if it is known and credible.
func newPlace(ctx context.Context, cancel context.CancelFunc, e *exchange, resp *http.Response) *place {
	weight := int64(maxContentBytes)
	if resp.ContentLength >= 0 && resp.Header.Get("Content-Encoding") == "" {
		weight = min(weight, max(resp.ContentLength, placeBytes))
	}
	return &place{budget: e.budget, weight: weight, time: placeTime(e.timeout), ctx: ctx, cancel: cancel}
}

// take waits for the place, unless the body has it. Bodies take their places in the order of their requests.
func (p *place) take() error {
	if p.taken {
		return nil
	}
	if err := p.budget.Acquire(p.ctx, p.weight); err != nil {
		return ErrBusy
	}
	p.taken = true
	p.expiry = time.AfterFunc(p.time, func() {
		p.expired.Store(true)
		p.cancel()
	})
	return nil
}

func (p *place) release() {
	if !p.taken {
		return
	}
	p.expiry.Stop()
	p.budget.Release(p.weight)
	p.taken = false
}

// reader reads a body. It takes the place before it returns more than freeBytes.
type reader struct {
	io.Reader
	place *place
	free  int // bytes that remain without a place
}

func newReader(r io.Reader, p *place) *reader { return &reader{Reader: r, place: p, free: freeBytes} }

// Read implements io.Reader.
func (r *reader) Read(b []byte) (int, error) {
	if r.free == 0 {
		if err := r.place.take(); err != nil {
			return 0, err
		}
	} else if len(b) > r.free {
		b = b[:r.free]
	}
	n, err := r.Reader.Read(b)
	r.free -= min(n, r.free)
	if err != nil && r.place.expired.Load() {
		return n, errSlow
	}
	if errors.Is(err, io.EOF) && r.place.ctx.Err() != nil { // a server that notices the timeout may end an incomplete body without an error
		return n, r.place.ctx.Err()
	}
	return n, err
}

// body is the content of a response. Close releases its place, and ends its exchange.
type body struct {
	io.Reader
	io.Closer
	place *place
}

// Close implements io.Closer.
func (b *body) Close() error {
	defer b.place.cancel()
	defer b.place.release()
	return b.Closer.Close()
}
