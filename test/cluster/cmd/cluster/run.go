package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/pullgate/pullgate/test/cluster"
)

// runWith runs a command while a cluster runs. The cluster also stops if this process exits.
func (p program) runWith(ctx context.Context, o cluster.Options, command []string) (err error) {
	o.Detached, o.Progress = false, p.out
	c, err := cluster.Up(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(p.out, "Stopping the cluster.")
		if down := c.Down(context.WithoutCancel(ctx)); down != nil {
			// The command's own error is dropped, because the command has printed it.
			err = fmt.Errorf("stopping the cluster: %w", down)
		}
	}()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, p.out, p.errOut
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s: %w", command[0], err)
	}
	return nil
}
