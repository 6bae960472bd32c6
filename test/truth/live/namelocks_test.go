//go:build cluster

package live

import (
	"slices"
	"sync"

	"github.com/pullgate/pullgate/test/truth"
)

// nameLocks lets scenarios run in parallel unless they use the same name for different registries.
type nameLocks struct {
	// all is locked by a scenario that affects every registry.
	all sync.RWMutex

	mu    sync.Mutex
	taken map[string]*sync.Mutex
}

// take locks the scenario's names and returns a function that unlocks them. All callers lock in the same order.
func (n *nameLocks) take(s *truth.Scenario) (release func()) {
	if s.IsExclusive() {
		n.all.Lock()
		return n.all.Unlock
	}
	n.all.RLock()
	mine := s.Names()
	slices.Sort(mine)
	for _, name := range mine {
		n.lock(name).Lock()
	}
	return func() {
		for _, name := range mine {
			n.lock(name).Unlock()
		}
		n.all.RUnlock()
	}
}

func (n *nameLocks) lock(name string) *sync.Mutex {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken == nil {
		n.taken = map[string]*sync.Mutex{}
	}
	if n.taken[name] == nil {
		n.taken[name] = &sync.Mutex{}
	}
	return n.taken[name]
}
