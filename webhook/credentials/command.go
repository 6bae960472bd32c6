package credentials

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

const (
	// runTimeout is how long a provider may take. The kubelet gives it as long.
	runTimeout = time.Minute
	// runOutput is how much a provider may write. The kubelet sets no limit; a real answer takes a few KiB.
	runOutput = 1 << 20
	// runWait is how long what a provider leaves behind may keep its output open.
	runWait = time.Second
)

// How a run can fail. What the program wrote is part of no error.
var (
	errTimedOut = errors.New("it took too long and was ended")
	errTooLong  = errors.New("its answer is too long")
)

// command is a program and how to run it. Its arguments and environment may hold secrets.
type command struct {
	path          string
	args, environ []string
	timeout, wait time.Duration
}

// run passes input to the program and returns what it writes to its standard output. Its standard error goes nowhere: the
// kubelet logs it, but it may hold a secret.
func (c command) run(ctx context.Context, input []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	output := &boundedBuffer{limit: runOutput, overflow: cancel}
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Stdin, cmd.Stdout, cmd.Env, cmd.WaitDelay = bytes.NewReader(input), output, c.environ, c.wait
	leadGroup(cmd)
	err := cmd.Run()
	if err != nil && cmd.Process != nil {
		// Even where the program itself has ended, what it started may not have.
		_ = endGroup(cmd)
	}
	switch {
	case output.full:
		return nil, errTooLong
	case ctx.Err() != nil:
		return nil, errTimedOut
	case err != nil:
		return nil, runError(err)
	}
	return output.text.Bytes(), nil
}

// runError says why a program did not end well.
func runError(err error) error {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("it ended with status %d", e.ExitCode())
	}
	return fmt.Errorf("running it: %w", err)
}

// boundedBuffer holds so many bytes at most. It is a writer and no more: what else a bytes.Buffer can do would get around
// the limit.
type boundedBuffer struct {
	text     bytes.Buffer
	limit    int
	overflow func()
	full     bool
}

// Write takes all or nothing.
func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > b.limit {
		b.full = true
		b.overflow()
		return 0, errTooLong
	}
	return b.text.Write(p)
}
