package load

import (
	"cmp"
	"slices"
	"time"
)

// Latencies are those of one open loop.
type Latencies struct {
	All     []time.Duration
	Refused int
}

// Percentile returns the latency that so many of a hundred requests stay within.
func (l Latencies) Percentile(p float64) time.Duration {
	return percentile(slices.Sorted(slices.Values(l.All)), p)
}

// percentile is the nearest rank, so that it is a value that was measured.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(p / 100 * float64(len(sorted)))
	return sorted[min(rank, len(sorted)-1)]
}

// Median returns the middle one, or the lower of the two.
func Median[T cmp.Ordered](values []T) T {
	var none T
	if len(values) == 0 {
		return none
	}
	return slices.Sorted(slices.Values(values))[(len(values)-1)/2]
}
