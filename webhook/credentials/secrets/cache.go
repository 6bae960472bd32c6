package secrets

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/ttlcache"
)

const (
	// cacheTTL spans the burst of pods that one controller creates, which all list the same secrets. It is shorter than a
	// person needs to correct a secret and to try again.
	cacheTTL = 2 * time.Second
	// maxObjectBytes is the size of the largest object that is cached. Users could fill the memory with secrets of 1 MiB,
	// the API server's limit. A real pull secret has a few KiB; a larger one is read for every pod.
	maxObjectBytes = 64 << 10
	// nameBytes is the memory that a name needs in addition to its text.
	nameBytes = 16
)

// cache holds decoded objects for cacheTTL. It does not hold errors or the absence of objects: both may change within a
// moment, and another request is cheap.
type cache[V any] struct {
	clock   clock.PassiveClock
	entries *ttlcache.Cache[types.NamespacedName, V]
	size    func(V) int
}

func newCache[V any](c clock.PassiveClock, maxEntries int, size func(V) int) (*cache[V], error) {
	entries, err := ttlcache.New(ttlcache.Options[types.NamespacedName, V]{MaxEntries: maxEntries, Clock: c})
	if err != nil {
		return nil, err
	}
	return &cache[V]{clock: c, entries: entries, size: size}, nil
}

// put stores an object that was requested at the given time. It deletes all expired entries first, so that a secret stays
// in memory no longer than until the next read after its expiry.
func (c *cache[V]) put(name types.NamespacedName, value V, requested time.Time) {
	c.entries.DeleteExpired()
	if c.size(value) > maxObjectBytes {
		c.entries.Delete(name)
		return
	}
	c.entries.Put(name, value, requested.Add(cacheTTL))
}

func sizeOfNames(names []string) int {
	total := 0
	for _, name := range names {
		total += nameBytes + len(name)
	}
	return total
}
