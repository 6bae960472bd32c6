package resolve

import (
	"context"
	"slices"
	"sync"
)

// maxWaiting bounds the queue, in multiples of the slots. Beyond it nobody's turn would come in time.
const maxWaiting = 16

// claim is on whose behalf a slot is wanted, and for which registry.
type claim struct{ host, tenant string }

// Slots are how many questions may be under way, in all and at one registry. A free one goes to the tenant that was served
// longest ago, so that nobody waits for the length of another's queue; and no tenant gets more than half of all, so that
// the registries of one, be they ever so slow, leave room for the others.
type Slots struct {
	total, perRegistry int

	mu       sync.Mutex
	taken    int
	byHost   map[string]int
	byTenant map[string]int
	queues   []*queue // of the tenants that wait, in the order of their turns
	waiting  int
}

// queue is that of one tenant, first come first served except where the registry has no slot left.
type queue struct {
	tenant  string
	waiters []*waiter
}

type waiter struct {
	claim claim
	// ready is closed when the slot is the waiter's.
	ready chan struct{}
}

// NewSlots returns that many slots.
func NewSlots(total, perRegistry int) *Slots {
	return &Slots{total: total, perRegistry: perRegistry, byHost: make(map[string]int), byTenant: make(map[string]int)}
}

// Taken returns how many questions are under way.
func (s *Slots) Taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Waiting returns how many questions wait for a slot.
func (s *Slots) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// acquire takes a slot, or reports that there is none before the context ends.
func (s *Slots) acquire(ctx context.Context, c claim) bool {
	w, ok := s.claim(c)
	if w == nil {
		return ok
	}
	select {
	case <-w.ready:
		return true
	case <-ctx.Done():
		s.giveUp(w)
		return false
	}
}

// claim takes a slot at once, or a place in the queue, or neither if that is full.
func (s *Slots) claim(c claim) (w *waiter, taken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Nobody who waits could use this slot: it would be theirs already.
	if s.has(c) {
		s.take(c)
		return nil, true
	}
	if s.waiting >= maxWaiting*s.total {
		return nil, false
	}
	w = &waiter{c, make(chan struct{})}
	q := s.queue(c.tenant)
	q.waiters = append(q.waiters, w)
	s.waiting++
	return w, false
}

func (s *Slots) queue(tenant string) *queue {
	for _, q := range s.queues {
		if q.tenant == tenant {
			return q
		}
	}
	q := &queue{tenant: tenant}
	s.queues = append(s.queues, q)
	return q
}

func (s *Slots) has(c claim) bool {
	return s.taken < s.total && s.byHost[c.host] < s.perRegistry && s.byTenant[c.tenant] < (s.total+1)/2
}

func (s *Slots) take(c claim) {
	s.taken++
	s.byHost[c.host]++
	s.byTenant[c.tenant]++
}

// release gives a slot back, and to whoever is next.
func (s *Slots) release(c claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	decrement(s.byHost, c.host)
	decrement(s.byTenant, c.tenant)
	for s.taken < s.total && s.serveNext() {
	}
}

// serveNext gives a slot to the first in turn who can use it, and that tenant's next turn is the last.
func (s *Slots) serveNext() bool {
	for i, q := range s.queues {
		n := slices.IndexFunc(q.waiters, func(w *waiter) bool { return s.has(w.claim) })
		if n < 0 {
			continue
		}
		w := q.waiters[n]
		s.take(w.claim)
		close(w.ready)
		s.leave(q, n)
		if len(q.waiters) > 0 {
			s.queues = append(slices.Delete(s.queues, i, i+1), q)
		}
		return true
	}
	return false
}

// leave takes a waiter out of its queue, and that away if it is empty.
func (s *Slots) leave(q *queue, n int) {
	q.waiters = slices.Delete(q.waiters, n, n+1)
	s.waiting--
	if len(q.waiters) == 0 {
		s.queues = slices.DeleteFunc(s.queues, func(other *queue) bool { return other == q })
	}
}

// giveUp leaves the queue, or gives back the slot that came at the same moment.
func (s *Slots) giveUp(w *waiter) {
	if !s.withdraw(w) {
		s.release(w.claim)
	}
}

func (s *Slots) withdraw(w *waiter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		if n := slices.Index(q.waiters, w); n >= 0 {
			s.leave(q, n)
			return true
		}
	}
	return false
}

// decrement forgets what is down to nothing: the names are anybody's.
func decrement(counts map[string]int, name string) {
	if counts[name]--; counts[name] == 0 {
		delete(counts, name)
	}
}
