package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pullgate/pullgate/test/process"
)

// supervisor is the running supervisor from its parent's view.
type supervisor struct {
	report     *os.File
	callerPipe *os.File
	process    *process.Process
}

// startSupervisor starts the supervisor in a session of its own. A signal to the caller's terminal must not interrupt
// the cleanup.
func (p Plan) startSupervisor() (*supervisor, error) {
	log, err := os.Create(p.logFile("supervisor"))
	if err != nil {
		return nil, fmt.Errorf("creating the supervisor's log: %w", err)
	}
	defer log.Close()
	report, reportEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("creating the report pipe: %w", err)
	}
	defer reportEnd.Close()
	callerEnd, callerPipe, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("creating the caller's pipe: %w", err), report.Close())
	}
	defer callerEnd.Close()
	cmd := exec.Command(filepath.Join(p.Programs, "cluster"), "supervisor", p.String())
	cmd.Dir, cmd.Env = p.Dir, p.environment()
	cmd.ExtraFiles = []*os.File{reportEnd, callerEnd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	child, err := process.Start(cmd, process.Options{Output: log})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the supervisor: %w", err), report.Close(), callerPipe.Close())
	}
	return &supervisor{report: report, callerPipe: callerPipe, process: child}, nil
}

// await copies the progress until the cluster is ready. If the start fails or the context ends, it waits until the
// cluster is removed.
func (s *supervisor) await(ctx context.Context, progress io.Writer) error {
	stop := context.AfterFunc(ctx, func() { _ = s.report.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	err := follow(s.report, progress)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	// The report is complete, or is not read further.
	_ = s.report.Close()
	if err != nil {
		_ = s.callerPipe.Close()
		<-s.process.Done()
		return fmt.Errorf("starting the cluster: %w", err)
	}
	return nil
}
