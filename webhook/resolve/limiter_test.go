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
			acquire: func(c *crowd) { c.acquire(2, "shop", "a.example"); c.acquire(2, "depot", "a.example") },
			want:    map[string][]int{"shop": {0, 1}, "depot": {0, 1}},
		},
		"the last slot of a registry is for another namespace": {
			total: 100, perRegistry: 3,
			acquire: func(c *crowd) { c.acquire(5, "shop", "a.example"); c.acquire(1, "depot", "a.example") },
			want:    map[string][]int{"shop": {0, 0, 1, 1, 2}, "depot": {0}},
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

func TestIdleSlots(t *testing.T) {
	t.Parallel()
	ctx := WithNamespace(t.Context(), "shop")
	l := NewLimiter(8, 4)
	first, ok := l.acquireIdle(ctx, "a.example")
	if !ok {
		t.Fatal("no slot, although none is in use")
	}
	if _, ok := l.acquireIdle(ctx, "a.example"); !ok {
		t.Error("no slot, although less than half of the registry's are in use")
	}
	if _, ok := l.acquireIdle(ctx, "a.example"); ok {
		t.Error("a slot, although half of the registry's are in use")
	}
	for _, registry := range []string{"b.example", "c.example"} {
		if _, ok := l.acquireIdle(ctx, registry); !ok {
			t.Error("no slot, although less than half of the total is in use")
		}
	}
	if _, ok := l.acquireIdle(ctx, "d.example"); ok {
		t.Error("a slot, although half of the total is in use")
	}
	if first(); l.InFlight() != 3 || l.Waiting() != 0 {
		t.Errorf("%d in flight and %d waiting, want 3 and none", l.InFlight(), l.Waiting())
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
		resolve := func(n int, namespace string) {
			for i := range n {
				all.Go(func() { r.Resolve(WithNamespace(t.Context(), namespace), tag(fmt.Sprint(i)), anonymous) })
			}
			synctest.Wait()
		}
		isRefused := func(namespace string) bool {
			start := time.Now()
			v := r.Resolve(WithNamespace(t.Context(), namespace), tag("new"), anonymous)
			return v.Reason == imagepull.ReasonDeadlineExceeded && time.Since(start) == 0
		}
		resolve(1+40, "shop")
		if got := o.Limiter.Waiting(); got != 16 || !isRefused("shop") {
			t.Fatalf("%d checks of one namespace are waiting, want 16 and no more", got)
		}
		resolve(10, "depot")
		resolve(10, "market")
		if got := o.Limiter.Waiting(); got != 32 || !isRefused("other") {
			t.Fatalf("%d checks are waiting, want 32 and no more", got)
		}
	})
}
