package cluster

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDownSignalsTheSupervisor checks that Down signals the holder of the lock, waits, and removes its files.
func TestDownSignalsTheSupervisor(t *testing.T) {
	t.Parallel()
	p := fakeCluster(t, "")
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	supervisor := exec.Command("/bin/sh", "-c", "while :; do read line; done")
	stdin, err := supervisor.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := supervisor.Start(); err != nil {
		t.Fatal(err)
	}
	if err := held.write(holder{Supervisor: supervisor.Process.Pid, Plan: p}); err != nil {
		t.Fatal(err)
	}
	released := make(chan error, 1)
	go func() {
		_ = supervisor.Wait()
		released <- held.release()
	}()
	c, err := Open(p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-released; err != nil {
		t.Error(err)
	}
	status := supervisor.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("the supervisor ended with %v, want SIGTERM", supervisor.ProcessState)
	}
	if _, err := os.Stat(p.path("etc")); !os.IsNotExist(err) {
		t.Error("the cluster's files still exist")
	}
}

func TestDownWithoutAClusterDoesNothing(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"an empty folder": t.TempDir(), "no folder": filepath.Join(t.TempDir(), "x")} {
		for range 2 {
			if err := Down(t.Context(), dir); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestDownEndsWithTheContext(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Down(ctx, p.Dir); err == nil || !strings.Contains(err.Error(), "waiting for the cluster to stop") {
		t.Errorf("got error %v, want an error about waiting", err)
	}
	pipe, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c := &Cluster{plan: p, callerPipe: pipe, supervisor: make(chan error)}
	if err := c.Down(ctx); err == nil || err.Error() != "context canceled" {
		t.Errorf("got error %v, want the context's error", err)
	}
}

func TestDownReportsAnEarlierEnd(t *testing.T) {
	t.Parallel()
	pipe, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ended := make(chan error, 1)
	ended <- os.ErrInvalid
	c := &Cluster{plan: Plan{Dir: t.TempDir()}, callerPipe: pipe, supervisor: ended}
	if err := c.Down(t.Context()); err == nil || !strings.Contains(err.Error(), "had stopped by itself") {
		t.Errorf("got error %v, want an error about the earlier end", err)
	}
	if err := c.Down(t.Context()); err != nil {
		t.Errorf("the second Down: %v", err)
	}
}
