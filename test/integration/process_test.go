package integration

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pullgate/pullgate/test/process"
)

// pullgate is a running "pullgate serve".
type pullgate struct {
	*process.Process
	launch launch
}

// start starts a process. It is killed at the end of the test, unless it has ended.
func (l launch) start(t *testing.T) *pullgate {
	t.Helper()
	log, err := os.OpenFile(l.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(l.binary, l.args...)
	cmd.Env = l.env
	p, err := process.Start(cmd, process.Options{Output: log})
	if err != nil {
		t.Fatalf("starting pullgate: %v", err)
	}
	go func() {
		select {
		case <-l.interrupted:
			p.Kill()
		case <-p.Done():
		}
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the end of pullgate's log:\n%s", p.Output())
		}
	})
	return &pullgate{p, l}
}

// terminate sends SIGTERM, as the kubelet does.
func (p *pullgate) terminate(t *testing.T) {
	t.Helper()
	if err := p.Terminate(); err != nil {
		t.Fatalf("terminating pullgate: %v", err)
	}
}

// awaitExit waits for the end of the process. Its exit status must be 0.
func (p *pullgate) awaitExit(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	if err := p.Wait(ctx); errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	} else if err != nil {
		t.Errorf("%v\n%s", err, p.Output())
	}
}

// awaitReady waits until the readiness probe succeeds.
func (p *pullgate) awaitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	if err := p.AwaitReady(ctx, "http://"+p.launch.health+"/readyz"); err != nil {
		t.Fatal(err)
	}
}

func (l launch) logFile() string { return filepath.Join(l.dir, "pullgate.log") }

// log returns the log of this launch, with the logs of all its processes.
func (l launch) log(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(l.logFile())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// get sends a GET request to an endpoint of the process.
func get(ctx context.Context, url string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), errors.Join(err, resp.Body.Close())
}
