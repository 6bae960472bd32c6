package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// kubectl runs kubectl in a directory, without the user's own configuration.
type kubectl struct {
	path, dir string
	env       []string
}

// newKubectl returns a kubectl that uses dir as its home directory, for its cache and preferences.
func newKubectl(path, dir, kubeconfig string) kubectl {
	return kubectl{path: path, dir: dir, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "KUBECONFIG=" + kubeconfig,
	}}
}

// commandResult is the result of a command: its exit status, and both output streams in their order.
type commandResult struct {
	output string
	status int
}

// run runs the command. An exit status other than 0 is not an error: the demo shows what the API server denies.
func (k kubectl) run(ctx context.Context, stdin []byte, args ...string) (commandResult, error) {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, k.path, args...)
	cmd.Dir, cmd.Env = k.dir, k.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &output, &output
	err := cmd.Run()
	if ctx.Err() != nil {
		return commandResult{}, ctx.Err()
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return commandResult{}, fmt.Errorf("running kubectl: %w", err)
	}
	return commandResult{output: output.String(), status: cmd.ProcessState.ExitCode()}, nil
}

// must runs a command whose exit status must be 0, and returns its output.
func (k kubectl) must(ctx context.Context, stdin []byte, args ...string) (string, error) {
	o, err := k.run(ctx, stdin, args...)
	if err != nil {
		return "", err
	}
	if o.status != 0 {
		return "", fmt.Errorf("kubectl %s ended with status %d:\n%s", strings.Join(args, " "), o.status, o.output)
	}
	return o.output, nil
}
