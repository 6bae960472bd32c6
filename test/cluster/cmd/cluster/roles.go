package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/pullgate/pullgate/test/cluster"
)

// The files that the processes of a cluster get from the one that starts them.
const (
	reportFile = 3 + iota
	lifeFile
)

func (p program) warden(ctx context.Context, text string) error {
	plan, err := cluster.ParsePlan(text)
	if err != nil {
		return err
	}
	report, life := inherited(reportFile, "report"), inherited(lifeFile, "life")
	return tellError(report, cluster.RunWarden(ctx, plan, report, life))
}

func (p program) keeper(ctx context.Context, text string) error {
	plan, err := cluster.ParsePlan(text)
	if err != nil {
		return err
	}
	report := inherited(reportFile, "report")
	return tellError(report, cluster.RunKeeper(ctx, plan, report))
}

// inherited opens a file for this process alone: the programs that it starts must not keep it open.
func inherited(fd int, name string) *os.File {
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name)
}

// tellError reports the error too, unless the report has been handed over or closed meanwhile.
func tellError(report *os.File, err error) error {
	if err == nil {
		return nil
	}
	if _, failed := fmt.Fprintf(report, "error: %v\n", err); failed != nil && !errors.Is(failed, os.ErrClosed) {
		return errors.Join(err, failed)
	}
	return err
}
