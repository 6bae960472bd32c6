package registry

import (
	"slices"
	"sync"
)

// set holds members that can be added and removed while requests are served. The zero value is empty.
type set[T any] struct {
	mu      sync.Mutex
	members []*T
}

// add appends the member and returns a function that removes it.
func (s *set[T]) add(member *T) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members = append(s.members, member)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.members = slices.DeleteFunc(s.members, func(m *T) bool { return m == member })
	}
}

// all returns the members in the order of their addition.
func (s *set[T]) all() []*T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.members)
}
