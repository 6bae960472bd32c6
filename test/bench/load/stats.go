package load

import (
	"cmp"
	"slices"
	"time"
)

// Latencies are the latencies of an open loop.
type Latencies struct {
	All    []time.Duration
	Denied int
}

// Percentile returns the latency that p percent of the requests do not exceed.
func (l Latencies) Percentile(p float64) time.Duration {
	return percentile(slices.Sorted(slices.Values(l.All)), p)
}

// percentile returns the nearest rank, so that the result is a measured value.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(p / 100 * float64(len(sorted)))
	return sorted[min(rank, len(sorted)-1)]
}

// Median returns the middle value, or the lower of the two middle ones.
func Median[T cmp.Ordered](values []T) T {
	var none T
	if len(values) == 0 {
		return none
	}
	return slices.Sorted(slices.Values(values))[(len(values)-1)/2]
}
