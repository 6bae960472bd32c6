package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/bench/load"
)

func TestRatio(t *testing.T) {
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
	if got := s.ratio("other", "nobody"); got != (spread{}) {
		t.Errorf("ratio to nobody = %v, want none", got)
	}
}

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
		t.Errorf("the table is\n%s", table)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	r := &results{
		machine:   machine{cpu: "a processor", cores: 2},
		latencies: []latencyRow{{turn{"warm", armNoop, nearby, 0}, load.Latencies{All: []time.Duration{time.Millisecond}}}},
		capacity:  []capacityRow{{armNoop, 0, 10, 100, 50, 1}},
		cold:      map[string][]float64{armCold: {1, 2, 3}},
	}
	r.atMost("time", spread{median: 1}, 2)
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	slices.Sort(names)
	want := []string{"bars.csv", "capacity.csv", "capacity.svg", "cold.svg", "latency.csv", "summary.md", "warm.svg"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	latencies, err := os.ReadFile(filepath.Join(dir, "latency.csv"))
	if err != nil || !strings.Contains(string(latencies), "warm,no-op,20,1,1,1000,1000,1000,1000\n") {
		t.Errorf("latency.csv is %q, error %v", latencies, err)
	}
	summary, err := os.ReadFile(filepath.Join(dir, "summary.md"))
	if err != nil || !strings.Contains(string(summary), "a processor, 2 cores") {
		t.Errorf("summary.md is %q, error %v", summary, err)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	if got, err := choose(""); err != nil || len(got) != len(scenarios()) {
		t.Errorf("choose() = %d scenarios, %v; want all", len(got), err)
	}
	if got, err := choose("wire,warm"); err != nil || len(got) != 2 || got[0].name != "wire" {
		t.Errorf("choose(wire,warm) = %v, %v", got, err)
	}
	if _, err := choose("wires"); err == nil {
		t.Error("choose(wires) error = nil, want one")
	}
}
