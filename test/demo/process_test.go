package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/wait"
)

// until polls, for what a process of its own does in its own time.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	poll := func(context.Context) (bool, error) { return condition(), nil }
	if err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, poll); err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}

func TestProcessStop(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script string
		// until is what has to be so before the process is stopped.
		until func(p *process) bool
		grace time.Duration
		want  string
	}{
		"a process that listens": {
			script: "exec sleep 600",
			until:  func(*process) bool { return true },
			grace:  time.Minute,
			want:   "signal: terminated",
		},
		"one that does not": {
			script: "trap '' TERM; echo ready; exec sleep 600",
			until:  func(p *process) bool { return p.log.String() == "ready\n" },
			grace:  50 * time.Millisecond,
			want:   "signal: killed",
		},
		"one that has ended": {
			script: "exit 3",
			until:  func(p *process) bool { return p.running() != nil },
			grace:  time.Minute,
			want:   "exit status 3",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := startProcess(exec.Command(script(t, "child", tc.script)))
			if err != nil {
				t.Fatalf("startProcess: %v", err)
			}
			until(t, "it can be stopped", func() bool { return tc.until(p) })
			p.stop(tc.grace)
			want := "child ended early: " + tc.want
			if err := p.running(); err == nil || err.Error() != want {
				t.Errorf("running: got %v, want %q", err, want)
			}
		})
	}
}

func TestProcessRunning(t *testing.T) {
	t.Parallel()
	p, err := startProcess(exec.Command(script(t, "child", "exec sleep 600")))
	if err != nil {
		t.Fatalf("startProcess: %v", err)
	}
	defer p.stop(time.Minute)
	if err := p.running(); err != nil {
		t.Errorf("running: got %v", err)
	}
}

func TestStartProcessFails(t *testing.T) {
	t.Parallel()
	if _, err := startProcess(exec.Command("./there-is-none")); err == nil {
		t.Error("starting nothing: got no error")
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", tailBytes)
	tests := map[string]struct {
		writes []string
		want   string
	}{
		"nothing":          {},
		"what fits":        {writes: []string{"one ", "two"}, want: "one two"},
		"exactly full":     {writes: []string{full}, want: full},
		"too much in all":  {writes: []string{full, "end"}, want: full[3:] + "end"},
		"too much at once": {writes: []string{"start" + full}, want: full},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kept tail
			for _, text := range tc.writes {
				if n, err := kept.Write([]byte(text)); n != len(text) || err != nil {
					t.Errorf("Write: got %d, %v, want %d bytes written", n, err, len(text))
				}
			}
			if diff := cmp.Diff(tc.want, kept.String()); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}
