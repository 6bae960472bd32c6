package load

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := Latencies{}
	for i := range 100 {
		hundred.All = append(hundred.All, time.Duration(100-i))
	}
	tests := map[string]struct {
		of   Latencies
		p    float64
		want time.Duration
	}{
		"no values":                {p: 50},
		"the middle":               {of: hundred, p: 50, want: 51},
		"the 99th percentile":      {of: hundred, p: 99, want: 100},
		"the slowest":              {of: hundred, p: 100, want: 100},
		"a single value":           {of: Latencies{All: []time.Duration{7}}, p: 99, want: 7},
		"the ninetieth percentile": {of: hundred, p: 90, want: 91},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.of.Percentile(tc.p); got != tc.want {
				t.Errorf("Percentile(%v) = %d, want %d", tc.p, got, tc.want)
			}
		})
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		values []int
		want   int
	}{{nil, 0}, {[]int{3}, 3}, {[]int{9, 1, 5}, 5}, {[]int{4, 1, 3, 2}, 2}} {
		given := append([]int(nil), tc.values...)
		if got := Median(tc.values); got != tc.want {
			t.Errorf("Median(%v) = %d, want %d", tc.values, got, tc.want)
		}
		if diff := cmp.Diff(given, tc.values); diff != "" {
			t.Errorf("Median changed its argument (-want +got):\n%s", diff)
		}
	}
}
