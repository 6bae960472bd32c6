package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// process is a child that runs beside the demo.
type process struct {
	cmd *exec.Cmd
	// log is the end of what it printed.
	log *tail
	// done is closed when the process has ended.
	done chan struct{}
}

// startProcess starts the command in a process group of its own: the interrupt from the terminal is then the demo's
// alone, which ends its children in their order.
func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, log: new(tail), done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		// How it ended is in the process state.
		_ = cmd.Wait()
	}()
	return p, nil
}

// stop asks the process to end and waits; after the grace period it is not asked any more.
func (p *process) stop(grace time.Duration) {
	// The error of a process that has ended already is no news.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(grace, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	<-p.done
}

// running returns an error if the process has ended.
func (p *process) running() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended early: %s", filepath.Base(p.cmd.Path), p.cmd.ProcessState)
	default:
		return nil
	}
}

// tailBytes is as much of a log as one wants to read.
const tailBytes = 4 << 10

// tail keeps the end of what is written to it. The zero value is empty and ready for use.
type tail struct {
	mu   sync.Mutex
	data []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if excess := len(t.data) - tailBytes; excess > 0 {
		t.data = append(t.data[:0], t.data[excess:]...)
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data)
}
