// Package ttlcache provides a bounded in-memory cache whose entries expire.
//
//	cache, err := ttlcache.New(ttlcache.Options[string, []byte]{MaxEntries: 1024})
//	cache.Put("key", value, time.Now().Add(time.Minute))
//	value, ok := cache.Get("key")
//
// Callers state the expiry of each entry, because one cache often holds entries of different lifetimes. A cache is bounded
// by entries and, optionally, by bytes: keys and values often come from pod authors or registries.
package ttlcache

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"k8s.io/utils/clock"
)

// Options configures a Cache. MaxEntries is required.
type Options[K comparable, V any] struct {
	// MaxEntries bounds the number of entries. The least recently used entry is evicted first.
	MaxEntries int
	// MaxBytes bounds the sum of all sizes; zero means no bound. An entry that is larger by itself is not stored.
	MaxBytes int
	// Size estimates the bytes of an entry. It is required with MaxBytes.
	Size func(key K, value V) int
	// OnEvict is called with each entry that leaves the cache, for whatever reason. It may be nil. It must not call the cache.
	OnEvict func(key K, value V)
	// Clock decides whether an entry has expired; the real clock when nil.
	Clock clock.PassiveClock
}

// Cache is a bounded cache whose entries expire. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	options Options[K, V]

	mu      sync.Mutex
	entries *simplelru.LRU[K, entry[V]]
	bytes   int
}

// entry is a value that is fresh until it expires.
type entry[V any] struct {
	value   V
	expires time.Time
}

// New returns an empty Cache, or an error if MaxEntries is not positive or Size is missing.
func New[K comparable, V any](o Options[K, V]) (*Cache[K, V], error) {
	if o.MaxBytes > 0 && o.Size == nil {
		return nil, errNoSize
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	c := &Cache[K, V]{options: o}
	entries, err := simplelru.NewLRU(o.MaxEntries, c.evicted)
	if err != nil {
		return nil, fmt.Errorf("making a cache of %d entries: %w", o.MaxEntries, err)
	}
	c.entries = entries
	return c, nil
}

var errNoSize = errors.New("making a cache: MaxBytes requires Size")

// Never returns the expiry of an entry that does not expire.
func Never() time.Time { return time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC) }

// Get returns the value of a key, if its entry is present and has not expired.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(key)
	if !ok || !c.fresh(e) {
		return value, false
	}
	return e.value, true
}

// GetStale returns the value of a key, even if its entry has expired.
func (c *Cache[K, V]) GetStale(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(key)
	return e.value, ok
}

// Put stores a value until it expires, and evicts other entries if a bound is exceeded. A value that exceeds MaxBytes by
// itself removes the key.
func (c *Cache[K, V]) Put(key K, value V, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(key) // simplelru does not report a replaced value as evicted
	size := c.size(key, value)
	if c.options.MaxBytes > 0 && size > c.options.MaxBytes {
		return
	}
	c.entries.Add(key, entry[V]{value, expires})
	for c.bytes += size; c.options.MaxBytes > 0 && c.bytes > c.options.MaxBytes; {
		c.entries.RemoveOldest()
	}
}

// Delete removes a key.
func (c *Cache[K, V]) Delete(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(key)
}

// DeleteExpired removes all expired entries. Caches of credentials call it, so that a secret does not stay in memory after
// its entry has expired.
func (c *Cache[K, V]) DeleteExpired() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range c.entries.Keys() {
		if e, ok := c.entries.Peek(key); ok && !c.fresh(e) {
			c.entries.Remove(key)
		}
	}
}

// Clear removes all entries.
func (c *Cache[K, V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.entries.Len() > 0 {
		c.entries.RemoveOldest()
	}
}

// Values returns the values of all fresh entries, the least recently used first.
func (c *Cache[K, V]) Values() []V {
	c.mu.Lock()
	defer c.mu.Unlock()
	values := make([]V, 0, c.entries.Len())
	for _, key := range c.entries.Keys() {
		if e, ok := c.entries.Peek(key); ok && c.fresh(e) {
			values = append(values, e.value)
		}
	}
	return values
}

// Len returns the number of entries, expired ones included.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries.Len()
}

func (c *Cache[K, V]) fresh(e entry[V]) bool { return c.options.Clock.Now().Before(e.expires) }

func (c *Cache[K, V]) size(key K, value V) int {
	if c.options.Size == nil {
		return 0
	}
	return c.options.Size(key, value)
}

// evicted runs with the lock held: simplelru calls it from the methods above.
func (c *Cache[K, V]) evicted(key K, e entry[V]) {
	c.bytes -= c.size(key, e.value)
	if c.options.OnEvict != nil {
		c.options.OnEvict(key, e.value)
	}
}
