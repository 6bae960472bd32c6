package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
	"golang.org/x/sys/unix"
)

// mostWorkers bounds the concurrent requests of an open loop, in case a server does not respond.
const mostWorkers = 4000

// mostConns bounds the connections. Without it, a server that is late for a moment would then handle many new
// connections. With it, requests wait for a connection, which counts as latency.
const mostConns = 128

// Client keeps its connections from one open loop to the next.
type Client struct {
	target Target
	http   *http.Client
}

// NewClient returns a client without connections.
func NewClient(t Target) *Client {
	return &Client{t, &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: t.TLS, MaxIdleConnsPerHost: mostConns, MaxConnsPerHost: mostConns,
	}}}
}

// Close closes the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Rate sends this number of requests per second for the duration, and returns the latencies. A latency counts from
// the scheduled time of the request to the end of the response.
func (c *Client) Rate(ctx context.Context, perSecond int, d time.Duration, reviews Reviews) (Latencies, error) {
	attacker := vegeta.NewAttacker(vegeta.Client(c.http), vegeta.MaxWorkers(mostWorkers))
	stop := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer stop()
	var sent atomic.Int64
	targeter := func(t *vegeta.Target) error {
		t.Method, t.URL = http.MethodPost, "https://"+c.target.Addr+c.target.path()
		t.Header = http.Header{"Content-Type": {"application/json"}}
		t.Body = reviews(int(sent.Add(1)) - 1)
		return nil
	}
	schedule := &schedule{every: time.Second / time.Duration(perSecond), end: d}
	var l Latencies
	var failures error
	start := time.Now()
	for result := range attacker.Attack(targeter, schedule, 0, "") {
		if result.Error != "" {
			failures = errors.New(result.Error)
			continue
		}
		due := start.Add(time.Duration(result.Seq) * schedule.every)
		l.All = append(l.All, result.Timestamp.Add(result.Latency).Sub(due))
		if !allowed(result.Body) {
			l.Denied++
		}
	}
	if failures != nil {
		return l, fmt.Errorf("sending reviews: %w", failures)
	}
	return l, ctx.Err()
}

// schedule is a constant and precise pace. Go's timers are often a millisecond late, which is many times the measured
// latency.
type schedule struct {
	every, end time.Duration
	ready      bool
}

// Pace waits in the kernel until the next request is due. One goroutine calls it, which exits with the attack.
func (s *schedule) Pace(elapsed time.Duration, hits uint64) (wait time.Duration, stop bool) {
	if !s.ready {
		s.ready = true
		// The thread exits with the goroutine, and with it the timer slack of one microsecond.
		runtime.LockOSThread()
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	}
	due := time.Duration(hits) * s.every
	if due >= s.end {
		return 0, true
	}
	if due > elapsed {
		pause := unix.NsecToTimespec(int64(due - elapsed))
		// If a signal interrupts the sleep, the next request waits again.
		_ = unix.Nanosleep(&pause, nil)
	}
	return 0, false
}

// Rate implements vegeta.Pacer.
func (s *schedule) Rate(time.Duration) float64 { return float64(time.Second) / float64(s.every) }
