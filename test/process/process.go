// Package process runs the programs of tests, of the demo and of the benchmarks. It starts them, waits until they are ready,
// keeps the end of their output and stops them.
//
//	p, err := process.Start(exec.Command("bin/pullgate", "serve"), process.Options{OwnGroup: true})
//	…
//	defer p.Stop(3 * time.Second)
//	err = p.AwaitReady(ctx, "http://127.0.0.1:8081/readyz")
package process

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Options configure a process. The zero value is usable.
type Options struct {
	// Output receives the output of the process. The caller may close it after Start. When it is nil, only the end of the
	// output is kept, in memory.
	Output *os.File
	// OwnGroup starts the process in a process group of its own, so that an interrupt from the terminal does not reach it.
	OwnGroup bool
	// Start starts the command, for a caller that sets its CPU cores or records its PID; cmd.Start when nil.
	Start func(cmd *exec.Cmd) error
}

// Process is a program that was started. Its methods are safe for concurrent use.
type Process struct {
	cmd *exec.Cmd
	// file is the name of the file with the output; when empty, tail has the end of the output.
	file string
	tail Tail
	done chan struct{}
}

// Start starts the command. The caller must stop it with Stop or Kill.
func Start(cmd *exec.Cmd, o Options) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.tail, &p.tail
	if o.Output != nil {
		p.file = o.Output.Name()
		cmd.Stdout, cmd.Stderr = o.Output, o.Output
	}
	if o.OwnGroup {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	if o.Start == nil {
		o.Start = (*exec.Cmd).Start
	}
	if err := o.Start(cmd); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // the process state holds the exit status
	}()
	return p, nil
}

// Pid returns the process ID.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done returns a channel that is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended returns an error with the exit status of a process that has ended, and nil while the process runs. Status 0 is an
// error too.
func (p *Process) Ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %s", p.name(), p.cmd.ProcessState)
	default:
		return nil
	}
}

func (p *Process) name() string { return filepath.Base(p.cmd.Path) }

// Wait waits for the end of the process. It returns an error unless the exit status is 0.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting for the end of %s: %w", p.name(), ctx.Err())
	case <-p.done:
	}
	if p.cmd.ProcessState.Success() {
		return nil
	}
	return p.Ended()
}

// Terminate sends SIGTERM, as the kubelet does. It is an error if the process has ended.
func (p *Process) Terminate() error { return p.cmd.Process.Signal(syscall.SIGTERM) }

// Stop sends SIGTERM, then SIGKILL after the grace period, and waits for the end of the process.
func (p *Process) Stop(grace time.Duration) {
	_ = p.Terminate() // an error means that the process has ended
	timer := time.AfterFunc(grace, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	<-p.done
}

// Kill sends SIGKILL and waits for the end of the process.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error means that the process has ended
	<-p.done
}

// pollInterval is the time between two evaluations of a condition.
const pollInterval = 50 * time.Millisecond

// Await polls until the condition holds. It returns an error if the condition does, if the process ends or if the context
// ends. The error holds the end of the output.
func (p *Process) Await(ctx context.Context, condition func(context.Context) (bool, error)) error {
	for {
		holds, err := condition(ctx)
		if err == nil && holds {
			return nil
		}
		if err == nil {
			err = p.pause(ctx)
		}
		if err != nil {
			return fmt.Errorf("waiting for %s: %w; the end of its output:\n%s", p.name(), err, p.Output())
		}
	}
}

// pause waits for the next evaluation of a condition.
func (p *Process) pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.done:
		return p.Ended()
	case <-time.After(pollInterval):
		return nil
	}
}

// AwaitReady polls the URL until the response has status 200.
func (p *Process) AwaitReady(ctx context.Context, url string) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return p.Await(ctx, func(ctx context.Context) (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		return err == nil && isOK(client, req), err
	})
}

// isOK reports whether the response has status 200. There is no response before the process listens.
func isOK(client *http.Client, req *http.Request) bool {
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
