//go:build cluster

package live

import (
	"slices"
	"sync"

	"github.com/pullgate/pullgate/test/truth"
)

// names lets scenarios play at the same time unless they need the same name for different things.
type names struct {
	// all is held by a scenario that says something of every registry.
	all sync.RWMutex

	mu    sync.Mutex
	taken map[string]*sync.Mutex
}

// take waits for the scenario's names and returns what gives them back. They are taken in one order by all.
func (n *names) take(s *truth.Scenario) (give func()) {
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

func (n *names) lock(name string) *sync.Mutex {
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
