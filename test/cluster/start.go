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
)

// warden is the process as its parent sees it.
type warden struct {
	report *os.File
	life   *os.File
	ended  <-chan error
}

// startWarden starts the warden in a session of its own: what interrupts the caller must not interrupt the end.
func (p Plan) startWarden() (*warden, error) {
	log, err := os.Create(p.logFile("warden"))
	if err != nil {
		return nil, fmt.Errorf("making the warden's log: %w", err)
	}
	defer log.Close()
	report, reportEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the report: %w", err)
	}
	defer reportEnd.Close()
	lifeEnd, life, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the pipe of life: %w", err), report.Close())
	}
	defer lifeEnd.Close()
	cmd := exec.Command(filepath.Join(p.Programs, "cluster"), "warden", p.String())
	cmd.Dir, cmd.Env = p.Dir, p.environment()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{reportEnd, lifeEnd}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the warden: %w", err), report.Close(), life.Close())
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return &warden{report: report, life: life, ended: ended}, nil
}

// await follows the report. If the cluster does not come up, or the context ends, nothing is left of it.
func (w *warden) await(ctx context.Context, progress io.Writer) error {
	stop := context.AfterFunc(ctx, func() { _ = w.report.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	err := follow(w.report, progress)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	// It has been read to its end, or nobody is to read it any more.
	_ = w.report.Close()
	if err != nil {
		_ = w.life.Close()
		<-w.ended
		return fmt.Errorf("bringing the cluster up: %w", err)
	}
	return nil
}
