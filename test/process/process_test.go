package process

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// sleep runs until it is stopped.
const sleep = "exec sleep 600"

func TestStopEndsTheProcess(t *testing.T) {
	t.Parallel()
	isReady := func(t *testing.T, p *Process) {
		err := p.Await(t.Context(), func(context.Context) (bool, error) { return p.Output() == "ready\n", nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		script string
		// await waits until the process can be stopped.
		await func(t *testing.T, p *Process)
		grace time.Duration
		want  string
	}{
		"SIGTERM":                          {"echo ready; " + sleep, isReady, time.Minute, "sh ended: signal: terminated"},
		"SIGKILL if SIGTERM has no effect": {"trap '' TERM; echo ready; " + sleep, isReady, 50 * time.Millisecond, "sh ended: signal: killed"},
		"a process that has ended":         {"exit 3", wait, time.Minute, "sh ended: exit status 3"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, tc.script, Options{})
			tc.await(t, p)
			p.Stop(tc.grace)
			if err := p.Ended(); err == nil || err.Error() != tc.want {
				t.Errorf("Ended() = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestKillEndsTheProcess(t *testing.T) {
	t.Parallel()
	p := start(t, sleep, Options{})
	p.Kill()
	if err := p.Ended(); err == nil || err.Error() != "sh ended: signal: killed" {
		t.Errorf("Ended() = %v, want that it was killed", err)
	}
	if err := p.Terminate(); err == nil {
		t.Error("Terminate() = nil after the end, want an error")
	}
}

func TestEndedIsNilWhileTheProcessRuns(t *testing.T) {
	t.Parallel()
	if err := start(t, sleep, Options{}).Ended(); err != nil {
		t.Errorf("Ended() = %v, want nil", err)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	if _, err := Start(exec.Command("./no-such-program"), Options{}); err == nil {
		t.Error("Start() = nil for a missing program, want an error")
	}
}

func TestStartUsesItsOptions(t *testing.T) {
	t.Parallel()
	var started *exec.Cmd
	p := start(t, sleep, Options{OwnGroup: true, Start: func(cmd *exec.Cmd) error {
		started = cmd
		return cmd.Start()
	}})
	if started == nil || started.Process.Pid != p.Pid() {
		t.Error("the command was not started by Options.Start")
	}
	if group, err := syscall.Getpgid(p.Pid()); err != nil || group != p.Pid() {
		t.Errorf("process group %d, %v; want %d", group, err, p.Pid())
	}
}

func TestWaitReturnsTheExitStatus(t *testing.T) {
	t.Parallel()
	if err := start(t, "exit 0", Options{}).Wait(t.Context()); err != nil {
		t.Errorf("Wait() = %v after status 0, want nil", err)
	}
	if err := start(t, "exit 3", Options{}).Wait(t.Context()); err == nil || err.Error() != "sh ended: exit status 3" {
		t.Errorf("Wait() = %v after status 3, want it in the error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := start(t, sleep, Options{}).Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait() = %v, want that it was cancelled", err)
	}
}

func TestAwaitReturnsWhenTheConditionHolds(t *testing.T) {
	t.Parallel()
	p := start(t, "echo listening; "+sleep, Options{})
	err := p.Await(t.Context(), func(context.Context) (bool, error) { return strings.Contains(p.Output(), "listening\n"), nil })
	if err != nil {
		t.Errorf("Await() = %v, want nil", err)
	}
}

func TestAwaitFails(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(context.Context) (bool, error) { return false, nil }
	tests := map[string]struct {
		script    string
		ctx       context.Context
		condition func(context.Context) (bool, error)
		want      string
	}{
		"the process ends":    {"echo no memory; exit 7", t.Context(), never, "waiting for sh: sh ended: exit status 7; the end of its output:\nno memory\n"},
		"the context ends":    {sleep, cancelled, never, "waiting for sh: context canceled; the end of its output:\n"},
		"the condition fails": {sleep, t.Context(), func(context.Context) (bool, error) { return false, errors.New("broken") }, "waiting for sh: broken; "},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := start(t, tc.script, Options{}).Await(tc.ctx, tc.condition)
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("Await() = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestAwaitReadyPollsUntilStatus200(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) < 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	if err := start(t, sleep, Options{}).AwaitReady(t.Context(), server.URL); err != nil {
		t.Errorf("AwaitReady() = %v, want nil", err)
	}
	if got := requests.Load(); got != 3 {
		t.Errorf("%d requests, want 3", got)
	}
}

func TestAwaitReadyFails(t *testing.T) {
	t.Parallel()
	if err := start(t, sleep, Options{}).AwaitReady(t.Context(), "http://[broken"); err == nil {
		t.Error("AwaitReady() = nil for an invalid URL, want an error")
	}
	err := start(t, "echo no port; exit 2", Options{}).AwaitReady(t.Context(), "http://127.0.0.1:1")
	if err == nil || !strings.Contains(err.Error(), "exit status 2") || !strings.Contains(err.Error(), "no port") {
		t.Errorf("AwaitReady() = %v, want the exit status and the output", err)
	}
}
