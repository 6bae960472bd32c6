package cluster

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWaitForCaller(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]string{"no byte": "", "another byte": "x"} {
		gone := make(chan struct{})
		go func() {
			waitForCaller(strings.NewReader(word))
			close(gone)
		}()
		select {
		case <-gone:
		case <-t.Context().Done():
			t.Errorf("%s: the caller's exit was not noticed", name)
		}
	}
}

func TestWaitForInit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ script, want string }{
		"it exits after the signal": {script: "trap 'exit 0' TERM; echo; while :; do read line; done"},
		"it fails after the signal": {script: "trap 'exit 9' TERM; echo; while :; do read line; done", want: "running init: sh ended: exit status 9"},
		"it fails by itself":        {script: "exit 3", want: "running init: sh ended: exit status 3"},
		"it exits by itself":        {script: "exit 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startShell(t, tt.script)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if strings.HasPrefix(tt.script, "trap") {
				trapped := func(context.Context) (bool, error) { return p.Output() == "\n", nil }
				if err := p.Await(ctx, trapped); err != nil {
					t.Fatal(err)
				}
				cancel()
			}
			err := waitForInit(ctx, p)
			if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestRunSupervisorTwice(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	if err := RunSupervisor(t.Context(), p, nil, strings.NewReader("")); err == nil || !strings.Contains(err.Error(), "already running") {
		t.Errorf("got error %v, want an error about the running cluster", err)
	}
}

// TestWaitForExit checks that only a process of a cluster is waited for, not another one with the same process ID.
func TestWaitForExit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pid     int
		stat    string
		threads []string
		waits   bool
	}{
		"a running process":                   {pid: 7, stat: "7 (cluster) S 1 7", waits: true},
		"a dead process":                      {pid: 7, stat: "7 (cluster) Z 1 7", threads: []string{"7"}},
		"a process with a live thread":        {pid: 7, stat: "7 (cluster) Z 1 7", threads: []string{"7", "9"}, waits: true},
		"another program with its process ID": {pid: 7, stat: "7 (sh) S 1 7"},
		"a missing process":                   {pid: 8, stat: "7 (cluster) S 1 7"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proc := t.TempDir()
			if err := writeFile(filepath.Join(proc, "7", "stat"), []byte(tt.stat)); err != nil {
				t.Fatal(err)
			}
			for _, thread := range tt.threads {
				createFiles(t, proc, "7/task/"+thread+"/stat")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*pollEvery)
			defer cancel()
			waitForExit(ctx, proc, tt.pid)
			if waited := ctx.Err() != nil; waited != tt.waits {
				t.Errorf("waited = %v, want %v", waited, tt.waits)
			}
		})
	}
	t.Run("a process that exits", func(t *testing.T) {
		t.Parallel()
		proc := t.TempDir()
		file := filepath.Join(proc, "7", "stat")
		if err := writeFile(file, []byte("7 (cluster) S 1 7")); err != nil {
			t.Fatal(err)
		}
		returned := make(chan struct{})
		go func() {
			waitForExit(t.Context(), proc, 7)
			close(returned)
		}()
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		<-returned
	})
}
