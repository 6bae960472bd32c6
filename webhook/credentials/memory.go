package credentials

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"k8s.io/utils/clock"
)

const (
	// memoryTTL is how long a secret that was read is good for. It spans the burst of pods that one controller creates
	// at once, which all list the same secrets, and is shorter than a person needs to correct a secret and try again.
	memoryTTL = 2 * time.Second
	// memoryBytes is the size of the largest secret that is remembered, so that tenants can't fill the memory with the
	// 1 MiB that the API server allows. A real pull secret takes a few KiB; a larger one is read each time.
	memoryBytes = 64 << 10
	// entryBytes is what an entry takes besides its text.
	entryBytes = 128
)

// id is the place of a secret.
type id struct{ namespace, name string }

// source returns the place as the source of a credential.
func (i id) source() string { return "secret/" + i.namespace + "/" + i.name }

// memory keeps for a moment what was decoded from secrets: neither the secrets themselves, nor their absence, nor an
// error, all of which may be different a moment later and cost little to ask for again.
type memory struct {
	clock   clock.PassiveClock
	secrets *lru.Cache[id, memo]
}

// memo is what is remembered of one secret.
type memo struct {
	contents contents
	expires  time.Time
}

func newMemory(c clock.PassiveClock, size int) (*memory, error) {
	secrets, err := lru.New[id, memo](size)
	if err != nil {
		return nil, err
	}
	return &memory{clock: c, secrets: secrets}, nil
}

func (m *memory) now() time.Time { return m.clock.Now() }

// recall returns what is remembered and still good.
func (m *memory) recall(of id) (contents, bool) {
	// Peek leaves the order alone, so that it stays the order of reading, on which sweep relies.
	remembered, ok := m.secrets.Peek(of)
	if !ok || !m.now().Before(remembered.expires) {
		return contents{}, false
	}
	return remembered.contents, true
}

// keep remembers what was asked for at a given time.
func (m *memory) keep(of id, c contents, asked time.Time) {
	m.sweep()
	if c.size() > memoryBytes {
		m.forget(of)
		return
	}
	m.secrets.Add(of, memo{contents: c, expires: asked.Add(memoryTTL)})
}

func (m *memory) forget(of id) { m.secrets.Remove(of) }

// sweep drops what is no longer good, so that credentials stay in memory no longer than until the next read after.
func (m *memory) sweep() {
	for {
		of, oldest, ok := m.secrets.GetOldest()
		if !ok || m.now().Before(oldest.expires) {
			return
		}
		m.forget(of)
	}
}

// size returns about how many bytes the contents take.
func (c contents) size() int {
	total := 0
	for _, e := range c.entries {
		total += entryBytes + len(e.registry) + len(e.credential.Username) + len(e.credential.Password)
	}
	return total
}
