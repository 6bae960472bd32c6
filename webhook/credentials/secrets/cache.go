package secrets

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/parallel"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

const (
	// freshFor spans the burst of pods that one controller creates, which all list the same secrets. An older object is read
	// again in the background, so that no review waits for the API server.
	freshFor = 2 * time.Second
	// maxAge is the age at which an object is read before it is used. It bounds how long the secret of a namespace with few pods
	// can differ from the cached one.
	maxAge = 30 * time.Second
	// maxObjectBytes is the size of the largest object that is cached. Users could fill the memory with secrets of 1 MiB,
	// the API server's limit. A real pull secret has a few KiB; a larger one is read for every pod.
	maxObjectBytes = 64 << 10
	// nameBytes is the memory that a name needs in addition to its text.
	nameBytes = 16
)

// cache reads objects of one kind, and holds them decoded. It does not hold errors or the absence of objects: both may change
// within a moment, and another request is cheap.
type cache[V any] struct {
	clock clock.PassiveClock
	// fetch reads an object from the API server.
	fetch   func(context.Context, types.NamespacedName) (V, error)
	refresh *refresher
	size    func(V) int

	// mu guards changes of entries, so that an older response does not replace a newer one.
	mu      sync.Mutex
	entries *ttlcache.Cache[types.NamespacedName, entry[V]]
}

// entry is an object with the time of its request, and the time from which it is read again in the background.
type entry[V any] struct {
	value              V
	requested, refresh time.Time
}

func newCache[V any](
	o Options, r *refresher, fetch func(context.Context, types.NamespacedName) (V, error), size func(V) int,
) (*cache[V], error) {
	entries, err := ttlcache.New(ttlcache.Options[types.NamespacedName, entry[V]]{MaxEntries: o.MaxEntries, Clock: o.Clock})
	if err != nil {
		return nil, err
	}
	return &cache[V]{clock: o.Clock, fetch: fetch, refresh: r, size: size, entries: entries}, nil
}

// get returns a cached object that is younger than maxAge. If it is older than freshFor, a read starts in the background.
func (c *cache[V]) get(name types.NamespacedName) (value V, ok bool) {
	e, ok := c.entries.Get(name)
	if ok && !c.clock.Now().Before(e.refresh) {
		c.startRefresh(name)
	}
	return e.value, ok
}

// read reads an object from the API server. It caches the object, or deletes the cached one if the object is gone or if
// Pullgate may no longer read it. After any other error the cached object stays. All expired objects are deleted, so that a
// secret stays in memory no longer than until the next read after its expiry.
func (c *cache[V]) read(ctx context.Context, name types.NamespacedName) (V, error) {
	requested := c.clock.Now()
	value, err := c.fetch(ctx, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.DeleteExpired()
	if e, ok := c.entries.Get(name); ok && e.requested.After(requested) {
		return value, err
	}
	switch {
	case err == nil && c.size(value) <= maxObjectBytes:
		c.put(name, entry[V]{value, requested, requested.Add(freshFor)})
	case err == nil, apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		c.entries.Delete(name)
	}
	return value, err
}

// startRefresh reads an object again in the background, unless such a read runs or has just failed, or too many run.
func (c *cache[V]) startRefresh(name types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(name)
	if !ok || c.clock.Now().Before(e.refresh) {
		return
	}
	started := c.refresh.start(func(ctx context.Context) {
		// A panic would end the process. Without its entry the object is read by the next review, which reports the panic.
		if parallel.Recover(func() { _, _ = c.read(ctx, name) }) != nil {
			c.entries.Delete(name)
		}
	})
	if started {
		e.refresh = c.clock.Now().Add(refreshTimeout + freshFor)
		c.put(name, e)
	}
}

func (c *cache[V]) put(name types.NamespacedName, e entry[V]) {
	c.entries.Put(name, e, e.requested.Add(maxAge))
}

func sizeOfNames(names []string) int {
	total := 0
	for _, name := range names {
		total += nameBytes + len(name)
	}
	return total
}
