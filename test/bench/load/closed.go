package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Reviews returns the body of the request with this number, from zero.
type Reviews func(i int) []byte

// Always returns the same review for every request.
func Always(review []byte) Reviews { return func(int) []byte { return review } }

// Served is the result of a closed loop.
type Served struct {
	Requests  int
	Elapsed   time.Duration
	Denied    int
	Warned    int
	Responses []Response
}

// PerSecond returns the rate of requests.
func (s Served) PerSecond() float64 { return float64(s.Requests) / s.Elapsed.Seconds() }

// For sends reviews over this number of connections for the duration, and drops the responses.
func (t Target) For(ctx context.Context, conns int, d time.Duration, reviews Reviews) (Served, error) {
	return t.closed(ctx, conns, func(int, Response) {}, func(start time.Time, i int) []byte {
		if time.Since(start) > d {
			return nil
		}
		return reviews(i)
	})
}

// Each sends n reviews over this number of connections, and returns their responses in order.
func (t Target) Each(ctx context.Context, conns, n int, reviews Reviews) (Served, error) {
	responses := make([]Response, n)
	s, err := t.closed(ctx, conns, func(i int, r Response) { responses[i] = r }, func(_ time.Time, i int) []byte {
		if i >= n {
			return nil
		}
		return reviews(i)
	})
	s.Responses = responses
	return s, err
}

// closed sends the next review on every connection after its last response, until next returns nil.
func (t Target) closed(
	ctx context.Context, conns int, keep func(int, Response), next func(start time.Time, i int) []byte,
) (Served, error) {
	dialled, err := t.dialAll(ctx, conns)
	defer func() {
		for _, c := range dialled {
			c.Close()
		}
	}()
	if err != nil {
		return Served{}, err
	}
	var sent, served, denied, warned atomic.Int64
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range dialled {
		group.Go(func() error {
			for ctx.Err() == nil {
				i := int(sent.Add(1)) - 1
				review := next(start, i)
				if review == nil {
					return nil
				}
				response, err := c.Do(review)
				if err != nil {
					return err
				}
				keep(i, response)
				served.Add(1)
				if !response.Allowed() {
					denied.Add(1)
				}
				if response.Warned() {
					warned.Add(1)
				}
			}
			return ctx.Err()
		})
	}
	err = group.Wait()
	return Served{
		Requests: int(served.Load()), Elapsed: time.Since(start), Denied: int(denied.Load()), Warned: int(warned.Load()),
	}, err
}

// dialAll opens the connections, a few at a time, so that the server's accept queue does not overflow.
func (t Target) dialAll(ctx context.Context, n int) ([]*Conn, error) {
	var (
		mu    sync.Mutex
		conns []*Conn
	)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for range n {
		group.Go(func() error {
			c, err := t.Dial(ctx)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			conns = append(conns, c)
			return nil
		})
	}
	err := group.Wait()
	return conns, err
}
