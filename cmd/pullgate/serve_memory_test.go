package main

import (
	"bytes"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// The limit is a setting of the process, so that these cases run one after the other.
func TestMemoryIsLimitedBelowTheContainer(t *testing.T) {
	const container = 256 << 20
	tests := map[string]struct {
		variable string
		provider memlimit.Provider
		want     int64
		wantLog  string
	}{
		"nine tenths of the container": {"", memlimit.Limit(container), container * 9 / 10, `"GOMEMLIMIT":`},
		"the environment has priority": {"100MiB", memlimit.Limit(container), math.MaxInt64, "memory"},
		"no limit":                     {"", func() (uint64, error) { return 0, memlimit.ErrNoLimit }, math.MaxInt64, "memory is not limited"},
		"a limit that cannot be read":  {"", func() (uint64, error) { return 0, memlimit.ErrNoCgroup }, math.MaxInt64, "no memory limit is known"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			before := debug.SetMemoryLimit(math.MaxInt64)
			t.Cleanup(func() { debug.SetMemoryLimit(before) })
			if tc.variable != "" {
				t.Setenv("GOMEMLIMIT", tc.variable)
			}
			var log bytes.Buffer
			limitMemory(slog.New(slog.NewJSONHandler(&log, nil)), tc.provider)
			if got := debug.SetMemoryLimit(-1); got/10 != tc.want/10 {
				t.Errorf("limit %d, want %d", got, tc.want)
			}
			if !strings.Contains(log.String(), tc.wantLog) {
				t.Errorf("log %q, want %q", log.String(), tc.wantLog)
			}
		})
	}
}
