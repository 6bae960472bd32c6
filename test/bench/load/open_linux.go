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

// mostWorkers bounds the requests under way in an open loop, for a server that does not answer at all.
const mostWorkers = 4000

// mostConns bounds the connections. Without it a server that is late for a moment would be busy with new ones for many more; with
// it requests wait for one, which counts as latency.
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

// Close ends the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Rate asks so many times a second for a while, and returns the latencies, each from the time for which the request was
// scheduled to the end of the answer.
func (c *Client) Rate(ctx context.Context, perSecond int, d time.Duration, reviews Reviews) (Latencies, error) {
	attacker := vegeta.NewAttacker(vegeta.Client(c.http), vegeta.MaxWorkers(mostWorkers))
	stop := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer stop()
	var asked atomic.Int64
	targeter := func(t *vegeta.Target) error {
		t.Method, t.URL = http.MethodPost, "https://"+c.target.Addr+c.target.path()
		t.Header = http.Header{"Content-Type": {"application/json"}}
		t.Body = reviews(int(asked.Add(1)) - 1)
		return nil
	}
	schedule := &schedule{every: time.Second / time.Duration(perSecond), end: d}
	var l Latencies
	var failures error
	begin := time.Now()
	for result := range attacker.Attack(targeter, schedule, 0, "") {
		if result.Error != "" {
			failures = errors.New(result.Error)
			continue
		}
		due := begin.Add(time.Duration(result.Seq) * schedule.every)
		l.All = append(l.All, result.Timestamp.Add(result.Latency).Sub(due))
		if !allowed(result.Body) {
			l.Refused++
		}
	}
	if failures != nil {
		return l, fmt.Errorf("asking the webhook: %w", failures)
	}
	return l, ctx.Err()
}

// schedule is an even pace that is exact: Go's own timers are a millisecond late as often as not, many times what is to be
// measured.
type schedule struct {
	every, end time.Duration
	ready      bool
}

// Pace waits until the next request is due, in the kernel. It is called by one goroutine, which ends with the attack.
func (s *schedule) Pace(elapsed time.Duration, hits uint64) (wait time.Duration, stop bool) {
	if !s.ready {
		s.ready = true
		// The thread goes with the goroutine, and with it that it is to be woken on the microsecond.
		runtime.LockOSThread()
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	}
	due := time.Duration(hits) * s.every
	if due >= s.end {
		return 0, true
	}
	if due > elapsed {
		pause := unix.NsecToTimespec(int64(due - elapsed))
		// A pause that a signal ends is taken up again at the next request.
		_ = unix.Nanosleep(&pause, nil)
	}
	return 0, false
}

// Rate implements vegeta.Pacer.
func (s *schedule) Rate(time.Duration) float64 { return float64(time.Second) / float64(s.every) }
