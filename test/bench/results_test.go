package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBars(t *testing.T) {
	t.Parallel()
	r := &results{}
	r.atMost("time", spread{median: 1.15}, 1.15)
	r.atMost("more time", spread{median: 1.16}, 1.15)
	r.atLeast("rate", spread{median: 0.85}, 0.85)
	r.atLeast("less of it", spread{median: 0.84}, 0.85)
	var got []bool
	for _, b := range r.bars {
		got = append(got, b.met)
	}
	if diff := cmp.Diff([]bool{true, false, true, false}, got); diff != "" {
		t.Errorf("met (-want +got):\n%s", diff)
	}
	if table := r.table(); !strings.Contains(table, "2 of 4 bars met") || strings.Count(table, "NOT MET") != 2 {
		t.Errorf("got table\n%s", table)
	}
}
