package credentials

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/utils/clock"
)

const (
	// memoryTTL is how long what was read is good for. It spans the burst of pods that one controller creates at once,
	// which all list the same secrets, and is shorter than a person needs to correct a secret and try again.
	memoryTTL = 2 * time.Second
	// memoryBytes is the size of the largest object that is remembered, so that tenants can't fill the memory with the
	// 1 MiB that the API server allows. A real pull secret takes a few KiB; a larger one is read each time.
	memoryBytes = 64 << 10
	// keyBytes is what a key takes besides its text.
	keyBytes = 256
	// nameBytes is what a name takes besides its text.
	nameBytes = 16
)

// id is the place of an object.
type id struct{ namespace, name string }

// source returns the place as the source of a credential.
func (i id) source() string { return "secret/" + i.namespace + "/" + i.name }

// memory keeps for a moment what was made of objects: neither the objects themselves, nor their absence, nor an error, all
// of which may be different a moment later and cost little to ask for again.
type memory[V any] struct {
	clock clock.PassiveClock
	held  *lru.Cache[id, memo[V]]
	size  func(V) int
}

// memo is what is remembered of one object.
type memo[V any] struct {
	value   V
	expires time.Time
}

// newMemory returns a memory of so many objects, whose sizes are told in bytes.
func newMemory[V any](c clock.PassiveClock, most int, size func(V) int) (*memory[V], error) {
	held, err := lru.New[id, memo[V]](most)
	if err != nil {
		return nil, err
	}
	return &memory[V]{clock: c, held: held, size: size}, nil
}

func (m *memory[V]) now() time.Time { return m.clock.Now() }

// recall returns what is remembered and still good.
func (m *memory[V]) recall(of id) (value V, ok bool) {
	// Peek leaves the order alone, so that it stays the order of reading, on which sweep relies.
	remembered, ok := m.held.Peek(of)
	if !ok || !m.now().Before(remembered.expires) {
		return value, false
	}
	return remembered.value, true
}

// keep remembers what was asked for at a given time.
func (m *memory[V]) keep(of id, value V, asked time.Time) {
	m.sweep()
	if m.size(value) > memoryBytes {
		m.forget(of)
		return
	}
	m.held.Add(of, memo[V]{value: value, expires: asked.Add(memoryTTL)})
}

func (m *memory[V]) forget(of id) { m.held.Remove(of) }

// sweep drops what is no longer good, so that credentials stay in memory no longer than until the next read after.
func (m *memory[V]) sweep() {
	for {
		of, oldest, ok := m.held.GetOldest()
		if !ok || m.now().Before(oldest.expires) {
			return
		}
		m.forget(of)
	}
}

func sizeOfNames(names []string) int {
	total := 0
	for _, name := range names {
		total += nameBytes + len(name)
	}
	return total
}
