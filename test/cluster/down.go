package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Down takes the cluster down, and returns when nothing of it is left but its logs. It is right, too, after a cluster that
// came down by itself, and tells so.
func (c *Cluster) Down(ctx context.Context) error {
	var ended error
	if c.life != nil {
		// The warden notices, whatever closing says.
		_ = c.life.Close()
		select {
		case ended = <-c.warden:
			c.life = nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if ended != nil {
		ended = fmt.Errorf("the cluster had come down by itself (%w): see %s", ended, c.LogDir())
	}
	return errors.Join(ended, c.plan.down(ctx))
}

// Down takes down whatever is left of a cluster in the folder, of which empty means DefaultDir: one that is up, or what a
// killed one has left.
func Down(ctx context.Context, dir string) error {
	dir, err := resolveDir(dir)
	if err != nil {
		return err
	}
	return Plan{Dir: dir}.down(ctx)
}

// down asks the warden to end, and clears up itself when there is none.
func (p Plan) down(ctx context.Context) error {
	if _, err := os.Stat(p.Dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	timed, cancel := context.WithTimeout(ctx, graceful+removalTimeout)
	defer cancel()
	var held *lock
	var asked int
	err := poll(timed, func(context.Context) (done bool, err error) {
		if held, err = p.acquire(); !errors.Is(err, errUp) {
			return true, err
		}
		asked, err = p.ask(asked)
		return false, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the cluster to go down: %w", err)
	}
	outlive(timed, "/proc", asked)
	return errors.Join(p.giveBack(), held.release())
}

// ask asks the warden to end, unless that is the one who has been asked already. It returns who has been.
func (p Plan) ask(asked int) (int, error) {
	h, known, err := p.holder()
	if err != nil || !known || h.Warden == asked {
		return asked, err
	}
	if err := syscall.Kill(h.Warden, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return asked, fmt.Errorf("asking the warden to end: %w", err)
	}
	return h.Warden, nil
}
