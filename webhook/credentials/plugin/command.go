package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

const (
	// runTimeout bounds one run of a provider. It is the kubelet's bound.
	runTimeout = time.Minute
	// maxOutputBytes bounds the output of a provider. The kubelet has no bound; a real response has a few KiB.
	maxOutputBytes = 1 << 20
	// waitDelay bounds how long child processes of a provider may keep its output open.
	waitDelay = time.Second
)

// The errors of a run. None of them quotes the output of the program.
var (
	errTimedOut       = errors.New("it was killed because it took too long")
	errOutputTooLarge = errors.New("its output is too large")
)

// command is a program with its arguments and environment. Both may contain secrets.
type command struct {
	path               string
	args, environ      []string
	timeout, waitDelay time.Duration
}

// run writes input to the program and returns its standard output. Standard error is discarded: the kubelet logs it, but
// it may contain a secret.
func (c command) run(ctx context.Context, input []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	output := &boundedBuffer{limit: maxOutputBytes, overflow: cancel}
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Stdin, cmd.Stdout, cmd.Env, cmd.WaitDelay = bytes.NewReader(input), output, c.environ, c.waitDelay
	setProcessGroup(cmd)
	err := cmd.Run()
	if err != nil && cmd.Process != nil {
		// The program has ended, but its child processes may still run.
		_ = killProcessGroup(cmd)
	}
	switch {
	case output.full:
		return nil, errOutputTooLarge
	case ctx.Err() != nil:
		return nil, errTimedOut
	case err != nil:
		return nil, runError(err)
	}
	return output.text.Bytes(), nil
}

// runError describes why a program failed.
func runError(err error) error {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("it ended with status %d", e.ExitCode())
	}
	return fmt.Errorf("running it: %w", err)
}

// boundedBuffer is a bytes.Buffer with a limit. It has no method but Write, because the other methods of bytes.Buffer would
// bypass the limit.
type boundedBuffer struct {
	text     bytes.Buffer
	limit    int
	overflow func()
	full     bool
}

// Write appends all of p or nothing.
func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > b.limit {
		b.full = true
		b.overflow()
		return 0, errOutputTooLarge
	}
	return b.text.Write(p)
}
