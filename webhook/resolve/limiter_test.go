package resolve

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// crowd acquires many slots of a Limiter. All holders of a slot release it at the end of a round.
type crowd struct {
	t       *testing.T
	limiter *Limiter
	all     sync.WaitGroup

	mu    sync.Mutex
	round int
	// over is closed at the end of the round.
	over chan struct{}
	// started holds the rounds in which the requests of each namespace received their slots.
	started map[string][]int
}

func newCrowd(t *testing.T, total, perRegistry int) *crowd {
	return &crowd{t: t, limiter: NewLimiter(total, perRegistry), over: make(chan struct{}), started: map[string][]int{}}
}

// acquire makes n requests of a namespace, one after the other, and waits until each has its slot or is in the queue.
func (c *crowd) acquire(n int, namespace, registry string) {
	for range n {
		c.all.Go(func() {
			release, ok := c.limiter.acquire(WithNamespace(c.t.Context(), namespace), registry)
			if !ok {
				c.t.Error("acquire() reported false, want a slot")
				return
			}
			defer release()
			<-c.start(namespace)
		})
		synctest.Wait()
	}
}

// start records that a request has its slot, and returns the end of the round.
func (c *crowd) start(namespace string) (over <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started[namespace] = append(c.started[namespace], c.round)
	return c.over
}

// finish ends one round after another, until no slot is in use.
func (c *crowd) finish() {
	for c.limiter.InFlight() > 0 {
		c.nextRound()
		synctest.Wait()
	}
	c.all.Wait()
}

func (c *crowd) nextRound() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.over)
	c.round, c.over = c.round+1, make(chan struct{})
}

func TestLimiterGrantsSlotsInTurn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		total, perRegistry int
		acquire            func(c *crowd)
		want               map[string][]int
	}{
		"the slots of one registry": {
			total: 100, perRegistry: 2,
			acquire: func(c *crowd) { c.acquire(5, "shop", "a.example") },
			want:    map[string][]int{"shop": {0, 0, 1, 1, 2}},
		},
		"each registry has its own slots": {
			total: 100, perRegistry: 1,
			acquire: func(c *crowd) { c.acquire(2, "shop", "a.example"); c.acquire(1, "depot", "b.example") },
			want:    map[string][]int{"shop": {0, 1}, "depot": {0}},
		},
		"a busy registry does not delay another": {
			total: 100, perRegistry: 1,
			acquire: func(c *crowd) { c.acquire(3, "shop", "a.example"); c.acquire(1, "shop", "b.example") },
			want:    map[string][]int{"shop": {0, 0, 1, 2}},
		},
		"one namespace gets half of the total": {
			total: 4, perRegistry: 100,
			acquire: func(c *crowd) { c.acquire(5, "shop", "a.example"); c.acquire(2, "depot", "b.example") },
			want:    map[string][]int{"shop": {0, 0, 1, 1, 2}, "depot": {0, 0}},
		},
		"all namespaces get the total": {
			total: 2, perRegistry: 100,
			acquire: func(c *crowd) {
				c.acquire(1, "a", "a.example")
				c.acquire(1, "b", "a.example")
				c.acquire(1, "c", "a.example")
			},
			want: map[string][]int{"a": {0}, "b": {0}, "c": {1}},
		},
		"namespaces take turns at one registry": {
			total: 100, perRegistry: 1,
			acquire: func(c *crowd) { c.acquire(4, "shop", "a.example"); c.acquire(2, "depot", "a.example") },
			want:    map[string][]int{"shop": {0, 1, 3, 5}, "depot": {2, 4}},
		},
		"a single slot": {
			total: 1, perRegistry: 1,
			acquire: func(c *crowd) { c.acquire(2, "shop", "a.example"); c.acquire(1, "depot", "b.example") },
			want:    map[string][]int{"shop": {0, 1}, "depot": {2}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, tt.total, tt.perRegistry)
				tt.acquire(c)
				c.finish()
				if diff := cmp.Diff(tt.want, c.started); diff != "" {
					t.Errorf("rounds of the slots (-want +got):\n%s", diff)
				}
				if inFlight, waiting := c.limiter.InFlight(), c.limiter.Waiting(); inFlight != 0 || waiting != 0 {
					t.Errorf("%d in flight and %d waiting at the end, want none", inFlight, waiting)
				}
			})
		})
	}
}

// TestWaitingEndsWithTheTimeout uses two Resolvers with one Limiter. The second one has the shorter timeout.
func TestWaitingEndsWithTheTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &slowRegistry{fakeRegistry: fakeRegistry{verdict: pullable}, takes: 5 * time.Second}
		o := neutral(clock.RealClock{})
		o.Limiter = NewLimiter(1, 1)
		patient := newResolver(t, registry, o)
		o.Timeout = time.Second
		impatient := newResolver(t, registry, o)
		go patient.Resolve(t.Context(), tag("1"), anonymous)
		synctest.Wait()
		v := impatient.Resolve(t.Context(), tag("2"), alice)
		if v.Reason != imagepull.ReasonDeadlineExceeded || v.Credential != alice.Source || v.Provenance() != "none" {
			t.Errorf("got %s for %q from %s, want DeadlineExceeded without a request", v.Reason, v.Credential, v.Provenance())
		}
		if v.Detail != "too many checks are waiting for registries" {
			t.Errorf("detail = %q, want the limiter's", v.Detail)
		}
		if inFlight, waiting := o.Limiter.InFlight(), o.Limiter.Waiting(); inFlight != 1 || waiting != 0 {
			t.Errorf("%d in flight and %d waiting, want 1 and 0", inFlight, waiting)
		}
		if v := patient.Resolve(t.Context(), tag("3"), anonymous); v.Reason != imagepull.ReasonPullable {
			t.Errorf("reason = %s for the next check, want Pullable", v.Reason)
		}
	})
}

func TestLimiterQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := neutral(clock.RealClock{})
		o.Limiter, o.Timeout = NewLimiter(2, 1), time.Hour
		r := newResolver(t, &slowRegistry{fakeRegistry: fakeRegistry{verdict: pullable}, takes: time.Second}, o)
		var all sync.WaitGroup
		defer all.Wait()
		for i := range 1 + 32 {
			all.Go(func() { r.Resolve(t.Context(), tag(fmt.Sprint(i)), anonymous) })
		}
		synctest.Wait()
		if got := o.Limiter.Waiting(); got != 32 {
			t.Fatalf("%d checks are waiting, want 32", got)
		}
		start := time.Now()
		v := r.Resolve(t.Context(), tag("new"), anonymous)
		if took := time.Since(start); v.Reason != imagepull.ReasonDeadlineExceeded || took != 0 {
			t.Errorf("reason = %s after %v, want DeadlineExceeded without a wait", v.Reason, took)
		}
	})
}
