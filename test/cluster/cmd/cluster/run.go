package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/pullgate/pullgate/test/cluster"
)

// during has a cluster for as long as a command runs. It goes down with this process too, however that ends.
func (p program) during(ctx context.Context, o cluster.Options, command []string) (err error) {
	o.Detached, o.Progress = false, p.out
	c, err := cluster.Up(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		fmt.Fprintln(p.out, "Taking the cluster down.")
		if down := c.Down(context.WithoutCancel(ctx)); down != nil {
			// The command's own status is left out: it says nothing that its output has not said.
			err = fmt.Errorf("taking the cluster down: %w", down)
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
