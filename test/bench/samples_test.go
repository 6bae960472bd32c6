package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRatioIsTakenByRound(t *testing.T) {
	t.Parallel()
	var s samples
	for _, round := range [][2]float64{{100, 110}, {200, 200}, {100, 130}} {
		s.add("one", round[0])
		s.add("other", round[1])
	}
	got := s.ratio("other", "one")
	if diff := cmp.Diff("1.10× (1.00–1.30)", got.String()); diff != "" {
		t.Errorf("ratio (-want +got):\n%s", diff)
	}
	if got := s.ratio("other", "missing"); got != (spread{}) {
		t.Errorf("ratio to a missing arm = %v, want zero", got)
	}
}
