package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/pullgate/pullgate/test/cluster"
)

// The file descriptors that a process of a cluster inherits from its parent.
const (
	reportFile = 3 + iota
	callerFile
)

func (p program) supervisor(ctx context.Context, text string) error {
	plan, err := cluster.ParsePlan(text)
	if err != nil {
		return err
	}
	report, caller := inherited(reportFile, "report"), inherited(callerFile, "caller")
	return reportError(report, cluster.RunSupervisor(ctx, plan, report, caller))
}

func (p program) init(ctx context.Context, text string) error {
	plan, err := cluster.ParsePlan(text)
	if err != nil {
		return err
	}
	report := inherited(reportFile, "report")
	return reportError(report, cluster.RunInit(ctx, plan, report))
}

// inherited opens an inherited file for this process only: its children must not inherit it.
func inherited(fd int, name string) *os.File {
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name)
}

// reportError writes the error to the report, unless another process has taken over the report.
func reportError(report *os.File, err error) error {
	if err == nil {
		return nil
	}
	if _, failed := fmt.Fprintf(report, "error: %v\n", err); failed != nil && !errors.Is(failed, os.ErrClosed) {
		return errors.Join(err, failed)
	}
	return err
}
