package resolve

import (
	"context"
	"slices"
	"sync"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// maxWaiting bounds the queue, as a multiple of the slots. A longer queue would not end before the deadlines of its
// requests.
const maxWaiting = 16

// Limiter bounds the number of concurrent checks, in total and for each registry. Several Resolvers may share it.
//
// A free slot goes to the namespace that was served longest ago, so that no namespace waits behind the queue of another.
// A namespace gets at most half of all slots and half of the queue, and not the last slot of a registry if it has another one
// there. So slow registries, and slow repositories of a registry, do not block other namespaces.
//
// The callers pass namespaces that exist: the webhook refuses reviews for others before any check. The number of waiting
// checks bounds the number of queues in any case.
type Limiter struct {
	total, perRegistry int

	mu          sync.Mutex
	inFlight    int
	byRegistry  map[string]int
	byNamespace map[string]int
	byBoth      map[place]int
	queues      []*queue // of the waiting namespaces, in the order of their turns
	waiting     int
}

// place is a registry with a namespace.
type place struct{ registry, namespace string }

// request is a request for a slot.
type request struct {
	place
	// ready is closed when the request has its slot.
	ready chan struct{}
}

// queue holds the waiting requests of one namespace, in their order. A request is passed over while
// its registry has no free slot.
type queue struct {
	namespace string
	requests  []*request
}

// NewLimiter returns a Limiter with a number of slots in total and for each registry.
func NewLimiter(total, perRegistry int) *Limiter {
	return &Limiter{
		total: total, perRegistry: perRegistry,
		byRegistry: make(map[string]int), byNamespace: make(map[string]int), byBoth: make(map[place]int),
	}
}

// InFlight returns the number of checks under way.
func (l *Limiter) InFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight
}

// Waiting returns the number of checks that wait for a slot.
func (l *Limiter) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

// acquire waits for a slot at a registry, for the namespace of the context. It reports false if the queue is full or the
// context ends first. The caller must call release after the check.
func (l *Limiter) acquire(ctx context.Context, registry string) (release func(), ok bool) {
	r := newRequest(ctx, registry)
	if !l.enqueue(r) {
		return nil, false
	}
	select {
	case <-r.ready:
		return func() { l.release(r) }, true
	case <-ctx.Done():
		l.cancel(r)
		return nil, false
	}
}

// acquireIdle returns a slot if more than half of the slots are free, in total and at the registry. It never waits.
func (l *Limiter) acquireIdle(ctx context.Context, registry string) (release func(), ok bool) {
	r := newRequest(ctx, registry)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inFlight >= half(l.total) || l.byRegistry[registry] >= half(l.perRegistry) || !l.canStart(r) {
		return nil, false
	}
	l.start(r)
	return func() { l.release(r) }, true
}

func newRequest(ctx context.Context, registry string) *request {
	return &request{place{registry, namespaceOf(ctx)}, make(chan struct{})}
}

// half rounds up.
func half(n int) int { return (n + 1) / 2 }

// enqueue starts a request, or puts it into the queue of its namespace. It reports false if the queue is full.
func (l *Limiter) enqueue(r *request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// No waiting request could use this slot: release would have started it.
	if l.canStart(r) {
		l.start(r)
		return true
	}
	room := maxWaiting * l.total
	if l.waiting >= room {
		return false
	}
	q := l.queue(r.namespace)
	if len(q.requests) >= half(room) {
		return false
	}
	q.requests = append(q.requests, r)
	l.waiting++
	return true
}

// queue returns the queue of a namespace. A new queue is the last in the order.
func (l *Limiter) queue(namespace string) *queue {
	for _, q := range l.queues {
		if q.namespace == namespace {
			return q
		}
	}
	q := &queue{namespace: namespace}
	l.queues = append(l.queues, q)
	return q
}

func (l *Limiter) canStart(r *request) bool {
	free := l.perRegistry - l.byRegistry[r.registry]
	return l.inFlight < l.total && l.byNamespace[r.namespace] < half(l.total) &&
		(free > 1 || free == 1 && l.byBoth[r.place] == 0)
}

func (l *Limiter) start(r *request) {
	l.inFlight++
	l.byRegistry[r.registry]++
	l.byNamespace[r.namespace]++
	l.byBoth[r.place]++
	close(r.ready)
}

// release frees the slot of a request, and starts the waiting requests that can use it.
func (l *Limiter) release(r *request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	decrement(l.byRegistry, r.registry)
	decrement(l.byNamespace, r.namespace)
	decrement(l.byBoth, r.place)
	for l.inFlight < l.total && l.startNext() {
	}
}

// startNext starts the first request that can start, and moves its namespace to the end of the order.
func (l *Limiter) startNext() bool {
	for i, q := range l.queues {
		n := slices.IndexFunc(q.requests, l.canStart)
		if n < 0 {
			continue
		}
		l.start(q.requests[n])
		l.dequeue(q, n)
		if len(q.requests) > 0 {
			l.queues = append(slices.Delete(l.queues, i, i+1), q)
		}
		return true
	}
	return false
}

// dequeue removes a request from its queue, and an empty queue from the order.
func (l *Limiter) dequeue(q *queue, n int) {
	q.requests = slices.Delete(q.requests, n, n+1)
	l.waiting--
	if len(q.requests) == 0 {
		l.queues = slices.DeleteFunc(l.queues, func(other *queue) bool { return other == q })
	}
}

// cancel removes a request from its queue, or releases the slot that it received at the same moment.
func (l *Limiter) cancel(r *request) {
	if !l.withdraw(r) {
		l.release(r)
	}
}

// withdraw removes a request from its queue, and reports whether it was still there.
func (l *Limiter) withdraw(r *request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.queues {
		if n := slices.Index(q.requests, r); n >= 0 {
			l.dequeue(q, n)
			return true
		}
	}
	return false
}

// decrement deletes a count of zero: pod authors control the names.
func decrement[K comparable](counts map[K]int, k K) {
	if counts[k]--; counts[k] == 0 {
		delete(counts, k)
	}
}

// queueFullVerdict returns the verdict for a check that gets no slot.
func queueFullVerdict() imagepull.Verdict {
	return imagepull.Verdict{
		Reason: imagepull.ReasonDeadlineExceeded,
		Detail: "too many checks are waiting for registries",
	}
}
