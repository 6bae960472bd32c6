package integration

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// process is a running "pullgate serve".
type process struct {
	launch launch
	cmd    *exec.Cmd
	// exited is closed when the process is gone; err is set by then.
	exited chan struct{}
	err    error
}

// start starts the process and kills it when the test ends, should nothing have ended it by then.
func (l launch) start(t *testing.T) *process {
	t.Helper()
	log, err := os.OpenFile(l.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := &process{launch: l, cmd: exec.Command(l.binary, l.args...), exited: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = l.env, log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting pullgate: %v", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	go func() {
		select {
		case <-l.interrupted:
			_ = p.cmd.Process.Kill()
		case <-p.exited:
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("the end of pullgate's log:\n%s", lastLines(l.log(t), 40))
		}
	})
	return p
}

// terminate asks the process to end, as the kubelet does.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("terminating pullgate: %v", err)
	}
}

// awaitExit waits for the end of the process, and wants it to be a success.
func (p *process) awaitExit(t *testing.T) {
	t.Helper()
	eventually(t, "pullgate to exit", func(context.Context) bool { return p.gone() })
	if p.err != nil {
		t.Errorf("pullgate exited with %v\n%s", p.err, lastLines(p.launch.log(t), 20))
	}
}

func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// awaitReady waits until the readiness probe succeeds.
func (p *process) awaitReady(t *testing.T) {
	t.Helper()
	eventually(t, "pullgate to be ready", func(ctx context.Context) bool {
		if p.gone() {
			t.Fatalf("pullgate exited: %v\n%s", p.err, p.launch.log(t))
		}
		status, _, err := get(ctx, "http://"+p.launch.health+"/readyz")
		return err == nil && status == http.StatusOK
	})
}

func (l launch) logFile() string { return filepath.Join(l.dir, "pullgate.log") }

// log returns what the process has logged so far, together with those before it in the same place.
func (l launch) log(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(l.logFile())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// get asks one of the process's plain endpoints.
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
