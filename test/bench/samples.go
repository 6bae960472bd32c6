package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/pullgate/pullgate/test/bench/load"
)

// samples has one value per arm and round. The zero value is empty and usable.
type samples struct {
	names  []string
	values map[string][]float64
}

func (s *samples) add(name string, value float64) {
	if s.values == nil {
		s.values = map[string][]float64{}
	}
	if s.values[name] == nil {
		s.names = append(s.names, name)
		slices.Sort(s.names)
	}
	s.values[name] = append(s.values[name], value)
}

func (s *samples) median(name string) float64 { return load.Median(s.values[name]) }

// describe returns the median and, in brackets, the range.
func (s *samples) describe(name, unit string) string { return rangeOf(s.values[name]).in(unit) }

// ratio compares two arms round by round, so that a slow round does not count as a difference.
func (s *samples) ratio(name, to string) spread {
	var ratios []float64
	for i, value := range s.values[name] {
		if i < len(s.values[to]) {
			ratios = append(ratios, value/s.values[to][i])
		}
	}
	return rangeOf(ratios)
}

// spread is a median and the range of the values.
type spread struct{ median, low, high float64 }

func rangeOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	return spread{load.Median(values), slices.Min(values), slices.Max(values)}
}

// String returns the spread of a ratio.
func (s spread) String() string { return fmt.Sprintf("%.2f× (%.2f–%.2f)", s.median, s.low, s.high) }

func (s spread) in(unit string) string {
	if unit != "" {
		unit = " " + unit
	}
	return fmt.Sprintf("%.0f%s (%.0f–%.0f)", s.median, unit, s.low, s.high)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
