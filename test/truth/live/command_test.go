//go:build cluster

package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// output runs a command in the cluster's namespaces and returns its standard output. The error includes the standard
// error.
func (s *testCluster) output(ctx context.Context, name string, args ...string) (string, error) {
	return s.finish(s.Command(ctx, name, args...))
}

func (s *testCluster) finish(cmd *exec.Cmd) (string, error) {
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
