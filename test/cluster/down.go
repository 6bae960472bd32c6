package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Down stops the cluster and returns when only its logs remain. After a cluster that stopped by itself it removes the
// remains and returns an error.
func (c *Cluster) Down(ctx context.Context) error {
	var ended error
	if c.supervisor != nil {
		// The supervisor notices the closed pipe, even if Close returns an error.
		_ = c.callerPipe.Close()
		ended = c.supervisor.Wait(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.supervisor = nil
	}
	if ended != nil {
		ended = fmt.Errorf("the cluster had stopped by itself (%w): see %s", ended, c.LogDir())
	}
	return errors.Join(ended, c.plan.down(ctx))
}

// Down stops a running cluster in the folder, or removes the remains of a killed one. An empty dir means DefaultDir.
func Down(ctx context.Context, dir string) error {
	dir, err := resolveDir(dir)
	if err != nil {
		return err
	}
	return Plan{Dir: dir}.down(ctx)
}

// down signals the supervisor, or releases the resources itself if no supervisor runs.
func (p Plan) down(ctx context.Context) error {
	if _, err := os.Stat(p.Dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	timed, cancel := context.WithTimeout(ctx, gracePeriod+removalTimeout)
	defer cancel()
	var held *lock
	var signalled int
	err := poll(timed, func(context.Context) (done bool, err error) {
		if held, err = p.acquire(); !errors.Is(err, errUp) {
			return true, err
		}
		signalled, err = p.signal(signalled)
		return false, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the cluster to stop: %w", err)
	}
	waitForExit(timed, "/proc", signalled)
	return errors.Join(p.releaseResources(), held.release())
}

// signal sends SIGTERM to the supervisor, unless it is the process that already got it. It returns the process that
// got the signal.
func (p Plan) signal(signalled int) (int, error) {
	h, ok, err := p.holder()
	if err != nil || !ok || h.Supervisor == signalled {
		return signalled, err
	}
	if err := syscall.Kill(h.Supervisor, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return signalled, fmt.Errorf("signalling the supervisor: %w", err)
	}
	return h.Supervisor, nil
}
