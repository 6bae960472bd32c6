//go:build cluster

package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// output runs a command inside and returns what it printed. The error has what it said of its failure.
func (s *stage) output(ctx context.Context, name string, args ...string) (string, error) {
	return s.finish(s.Command(ctx, name, args...))
}

func (s *stage) finish(cmd *exec.Cmd) (string, error) {
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := s.Start(cmd); err != nil {
		return "", err
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, errOut.String())
	}
	return out.String(), err
}
