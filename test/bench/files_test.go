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

func TestWriteSkipsEmptyTables(t *testing.T) {
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
