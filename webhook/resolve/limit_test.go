package resolve_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// crowd asks many questions at once of registries that answer in rounds, and notes in which round each was asked.
type crowd struct {
	t     *testing.T
	slots *resolve.Slots
	all   sync.WaitGroup

	mu    sync.Mutex
	round int
	// over is closed when the round is.
	over  chan struct{}
	asked map[string][]int
}

func newCrowd(t *testing.T, total, perRegistry int) *crowd {
	return &crowd{t: t, slots: resolve.NewSlots(total, perRegistry), over: make(chan struct{}), asked: map[string][]int{}}
}

// ask asks n questions for a tenant, and waits until they are under way or in the queue.
func (c *crowd) ask(n int, tenant, host string) {
	limited := resolve.NewLimited(resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
		<-c.note(tenant)
		return pullable
	}), c.slots)
	for i := range n {
		c.all.Go(func() {
			ref := imagepull.Reference{Domain: host, Path: "web", Tag: fmt.Sprint(i)}
			if v := limited.Resolve(resolve.WithTenant(c.t.Context(), tenant), ref, nobody); v.Reason != imagepull.ReasonPullable {
				c.t.Errorf("reason = %s, want Pullable", v.Reason)
			}
		})
		synctest.Wait()
	}
}

// note returns the end of the round in which the tenant's question is asked.
func (c *crowd) note(tenant string) (over <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[tenant] = append(c.asked[tenant], c.round)
	return c.over
}

// play ends one round after the other, until nobody is left.
func (c *crowd) play() {
	for c.slots.Taken() > 0 {
		c.next()
		synctest.Wait()
	}
	c.all.Wait()
}

func (c *crowd) next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.over)
	c.round, c.over = c.round+1, make(chan struct{})
}

func TestLimited(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		total, perRegistry int
		ask                func(c *crowd)
		want               map[string][]int
	}{
		"at one registry": {
			total: 100, perRegistry: 2,
			ask:  func(c *crowd) { c.ask(5, "shop", "a.example") },
			want: map[string][]int{"shop": {0, 0, 1, 1, 2}},
		},
		"each registry has its own": {
			total: 100, perRegistry: 1,
			ask:  func(c *crowd) { c.ask(2, "shop", "a.example"); c.ask(1, "depot", "b.example") },
			want: map[string][]int{"shop": {0, 1}, "depot": {0}},
		},
		"a registry that is busy holds up no other": {
			total: 100, perRegistry: 1,
			ask:  func(c *crowd) { c.ask(3, "shop", "a.example"); c.ask(1, "shop", "b.example") },
			want: map[string][]int{"shop": {0, 0, 1, 2}},
		},
		"in total, half for one tenant": {
			total: 4, perRegistry: 100,
			ask:  func(c *crowd) { c.ask(5, "shop", "a.example"); c.ask(2, "depot", "b.example") },
			want: map[string][]int{"shop": {0, 0, 1, 1, 2}, "depot": {0, 0}},
		},
		"in total": {
			total: 2, perRegistry: 100,
			ask: func(c *crowd) {
				c.ask(1, "a", "a.example")
				c.ask(1, "b", "a.example")
				c.ask(1, "c", "a.example")
			},
			want: map[string][]int{"a": {0}, "b": {0}, "c": {1}},
		},
		"turns at one registry": {
			total: 100, perRegistry: 1,
			ask:  func(c *crowd) { c.ask(4, "shop", "a.example"); c.ask(2, "depot", "a.example") },
			want: map[string][]int{"shop": {0, 1, 3, 5}, "depot": {2, 4}},
		},
		"one slot is enough": {
			total: 1, perRegistry: 1,
			ask:  func(c *crowd) { c.ask(2, "shop", "a.example"); c.ask(1, "depot", "b.example") },
			want: map[string][]int{"shop": {0, 1}, "depot": {2}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, tt.total, tt.perRegistry)
				tt.ask(c)
				c.play()
				if diff := cmp.Diff(tt.want, c.asked); diff != "" {
					t.Errorf("rounds of asking (-want +got):\n%s", diff)
				}
				if taken, waiting := c.slots.Taken(), c.slots.Waiting(); taken != 0 || waiting != 0 {
					t.Errorf("%d slots are taken and %d wait in the end, want none", taken, waiting)
				}
			})
		})
	}
}

// TestLimitedGivesUp: waiting ends with the context, and leaves no trace in the queue.
func TestLimitedGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slots := resolve.NewSlots(1, 1)
		s := &slow{site: site{says: pullable}, takes: 5 * time.Second}
		l := resolve.NewLimited(s, slots)
		go l.Resolve(t.Context(), tag("1"), nobody)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		v := l.Resolve(ctx, tag("2"), alice)
		if v.Reason != imagepull.ReasonDeadlineExceeded || v.Credential != alice.Source || v.Provenance() != "none" {
			t.Errorf("got %s for %q from %s, want DeadlineExceeded and nothing asked", v.Reason, v.Credential, v.Provenance())
		}
		if slots.Taken() != 1 || slots.Waiting() != 0 {
			t.Errorf("%d taken and %d waiting, want 1 and 0", slots.Taken(), slots.Waiting())
		}
		if v := l.Resolve(t.Context(), tag("3"), nobody); v.Reason != imagepull.ReasonPullable {
			t.Errorf("reason = %s for the next one, want Pullable", v.Reason)
		}
	})
}

func TestLimitedQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slots := resolve.NewSlots(2, 1)
		l := resolve.NewLimited(&slow{site: site{says: pullable}, takes: time.Second}, slots)
		var all sync.WaitGroup
		defer all.Wait()
		for range 1 + 32 {
			all.Go(func() { l.Resolve(t.Context(), tag("1"), nobody) })
		}
		synctest.Wait()
		if got := slots.Waiting(); got != 32 {
			t.Fatalf("%d wait, want 32", got)
		}
		if v := l.Resolve(t.Context(), tag("2"), nobody); v.Reason != imagepull.ReasonDeadlineExceeded {
			t.Errorf("reason = %s, want DeadlineExceeded at once", v.Reason)
		}
	})
}
