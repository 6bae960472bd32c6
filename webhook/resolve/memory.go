package resolve

import (
	"fmt"
	"sync"
	"time"
	"unsafe"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// memo is a remembered answer. Past its lifetime it no longer answers, but tells of the row that a next failure is in.
type memo struct {
	verdict  imagepull.Verdict
	asked    time.Time
	lifetime time.Duration
}

// age returns how old the answer is, and whether it still holds. One from the future doesn't.
func (m memo) age(now time.Time) (age time.Duration, holds bool) {
	age = now.Sub(m.asked)
	return age, age >= 0 && age < m.lifetime
}

// memory keeps memos within a number and a size, and pushes out those that nobody asked for the longest. Both bounds are
// needed: whoever may create pods chooses the references, and whoever may push an image the length of an index.
type memory struct {
	mu       sync.Mutex
	memos    *simplelru.LRU[key, memo]
	bytes    int
	maxBytes int
}

func newMemory(maxEntries, maxBytes int) (*memory, error) {
	m := &memory{maxBytes: maxBytes}
	memos, err := simplelru.NewLRU(maxEntries, func(k key, gone memo) { m.bytes -= size(k, gone) })
	if err != nil {
		return nil, fmt.Errorf("making a cache of %d entries: %w", maxEntries, err)
	}
	m.memos = memos
	return m, nil
}

func (m *memory) get(k key) memo {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, _ := m.memos.Get(k)
	return found
}

func (m *memory) put(k key, latest memo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.memos.Remove(k) // which takes its size away
	m.memos.Add(k, latest)
	for m.bytes += size(k, latest); m.bytes > m.maxBytes; {
		m.memos.RemoveOldest()
	}
}

func (m *memory) forget(k key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.memos.Remove(k)
}

func (m *memory) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.memos.Len()
}

// overhead is what an entry takes in the list and the map besides.
const overhead = 256

// size returns about how many bytes an entry takes.
func size(k key, m memo) int {
	v := m.verdict
	total := overhead + int(unsafe.Sizeof(k)+unsafe.Sizeof(m)) +
		length(k.ref.Domain, k.ref.Path, k.ref.Tag, k.ref.Digest) + length(v.Detail, v.Fix, v.Digest, v.Credential) +
		length(v.Digests...) + len(v.Digests)*int(unsafe.Sizeof(""))
	for _, p := range v.Platforms {
		total += int(unsafe.Sizeof(p)) + length(p.OS, p.Architecture, p.Variant, p.OSVersion) + length(p.OSFeatures...)
		total += len(p.OSFeatures) * int(unsafe.Sizeof(""))
	}
	for _, a := range v.Warnings {
		total += int(unsafe.Sizeof(a)) + length(a.Message)
	}
	return total
}

func length(texts ...string) int {
	total := 0
	for _, text := range texts {
		total += len(text)
	}
	return total
}
