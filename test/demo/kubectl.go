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

// kubectl runs the program of that name in a directory, untouched by the user's own configuration.
type kubectl struct {
	path, dir string
	env       []string
}

// newKubectl has kubectl keep its cache, and look for its preferences, in the directory.
func newKubectl(path, dir, kubeconfig string) kubectl {
	return kubectl{path: path, dir: dir, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "KUBECONFIG=" + kubeconfig,
	}}
}

// outcome is what a command left behind. Its output is what a terminal would have shown, errors and all.
type outcome struct {
	output string
	status int
}

// run waits for the command. A status other than 0 is no error: the API server's "no" is what is asked for.
func (k kubectl) run(ctx context.Context, stdin []byte, args ...string) (outcome, error) {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, k.path, args...)
	cmd.Dir, cmd.Env = k.dir, k.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &output, &output
	err := cmd.Run()
	if ctx.Err() != nil {
		return outcome{}, ctx.Err()
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return outcome{}, fmt.Errorf("running kubectl: %w", err)
	}
	return outcome{output: output.String(), status: cmd.ProcessState.ExitCode()}, nil
}

// must is run where only status 0 will do. It returns what was printed.
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
