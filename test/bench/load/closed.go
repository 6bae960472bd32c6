package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Reviews makes the body of the request with a number, from zero.
type Reviews func(i int) []byte

// Always is the same review over and over.
func Always(review []byte) Reviews { return func(int) []byte { return review } }

// Served is what a closed loop has done.
type Served struct {
	Requests int
	Elapsed  time.Duration
	Refused  int
	Warned   int
	Answers  []Answer
}

// PerSecond is the rate.
func (s Served) PerSecond() float64 { return float64(s.Requests) / s.Elapsed.Seconds() }

// For asks over that many connections until the time is over, and keeps no answers.
func (t Target) For(ctx context.Context, conns int, d time.Duration, reviews Reviews) (Served, error) {
	return t.closed(ctx, conns, func(int, Answer) {}, func(start time.Time, i int) []byte {
		if time.Since(start) > d {
			return nil
		}
		return reviews(i)
	})
}

// Each asks a number of reviews over that many connections, and keeps their answers, in order.
func (t Target) Each(ctx context.Context, conns, n int, reviews Reviews) (Served, error) {
	answers := make([]Answer, n)
	s, err := t.closed(ctx, conns, func(i int, a Answer) { answers[i] = a }, func(_ time.Time, i int) []byte {
		if i >= n {
			return nil
		}
		return reviews(i)
	})
	s.Answers = answers
	return s, err
}

// closed has every connection ask the next review when its last one is answered, until there is none.
func (t Target) closed(
	ctx context.Context, conns int, keep func(int, Answer), next func(start time.Time, i int) []byte,
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
	var asked, served, refused, warned atomic.Int64
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range dialled {
		group.Go(func() error {
			for ctx.Err() == nil {
				i := int(asked.Add(1)) - 1
				review := next(start, i)
				if review == nil {
					return nil
				}
				answer, err := c.Do(review)
				if err != nil {
					return err
				}
				keep(i, answer)
				served.Add(1)
				if !answer.Allowed() {
					refused.Add(1)
				}
				if answer.Warned() {
					warned.Add(1)
				}
			}
			return ctx.Err()
		})
	}
	err = group.Wait()
	return Served{
		Requests: int(served.Load()), Elapsed: time.Since(start), Refused: int(refused.Load()), Warned: int(warned.Load()),
	}, err
}

// dialAll makes the connections, a few at a time, so that nobody's queue of new ones overflows.
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
