package webhook

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// Memory is memory that all reviews share.
type Memory struct {
	// Limit bounds it, in bytes.
	Limit     int64
	semaphore *semaphore.Weighted
	used      atomic.Int64
}

func newMemory(limit int64) *Memory {
	return &Memory{Limit: limit, semaphore: semaphore.NewWeighted(limit)}
}

// Used returns the bytes that are in use. Reviews that wait for memory do not count.
func (m *Memory) Used() int64 { return m.used.Load() }

// acquire waits for n bytes, and reports whether they were free before the context ended.
func (m *Memory) acquire(ctx context.Context, n int64) bool {
	if m.semaphore.Acquire(ctx, n) != nil {
		return false
	}
	m.used.Add(n)
	return true
}

func (m *Memory) release(n int64) {
	m.used.Add(-n)
	m.semaphore.Release(n)
}
