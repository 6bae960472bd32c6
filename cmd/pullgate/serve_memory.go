package main

import (
	"log/slog"
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryRatio is the part of the container's memory limit that the Go runtime may use. The rest is for the kernel's share, such
// as socket buffers, and for peaks.
const memoryRatio = 0.9

// limitMemory sets the limit of the Go runtime below the container's, so that garbage is collected before the kernel kills the
// process. GOMEMLIMIT in the environment has priority. Without a limit nothing changes.
func limitMemory(logger *slog.Logger, container memlimit.Provider) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryRatio), memlimit.WithProvider(container))
	switch {
	case err != nil:
		logger.Info("no memory limit is known", "cause", err.Error())
	case limit == math.MaxInt64:
		logger.Info("memory is not limited")
	default:
		logger.Info("memory limit", "GOMEMLIMIT", limit)
	}
}
