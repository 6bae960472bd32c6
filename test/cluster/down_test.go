package cluster

import (
	"context"
	"os"
	"path/filepath"
	"strings"
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
	supervisor := startShell(t, "exec sleep 600")
	if err := held.write(holder{Supervisor: supervisor.Pid(), Plan: p}); err != nil {
		t.Fatal(err)
	}
	released := make(chan error, 1)
	go func() {
		<-supervisor.Done()
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
	if err := supervisor.Ended(); err == nil || !strings.HasSuffix(err.Error(), " ended: signal: terminated") {
		t.Errorf("got %v, want that SIGTERM ended the supervisor", err)
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
	c := &Cluster{plan: p, callerPipe: pipe, supervisor: startShell(t, "exec sleep 600")}
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
	c := &Cluster{plan: Plan{Dir: t.TempDir()}, callerPipe: pipe, supervisor: startShell(t, "exit 7")}
	if err := c.Down(t.Context()); err == nil || !strings.Contains(err.Error(), "had stopped by itself (sh ended: exit status 7)") {
		t.Errorf("got error %v, want an error about the earlier end", err)
	}
	if err := c.Down(t.Context()); err != nil {
		t.Errorf("the second Down: %v", err)
	}
}
