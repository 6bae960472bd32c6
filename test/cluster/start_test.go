package cluster

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStartSupervisor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ script, progress, want string }{
		"it starts":              {script: "echo one >&3; echo ready >&3; read word <&4", progress: "one\n"},
		"it reports an error":    {script: "echo 'error: why' >&3; exit 1", want: "starting the cluster: why"},
		"it exits":               {script: "exit 1", want: "starting the cluster: the cluster ended without an error message"},
		"it gets its role":       {script: `[ "$1" = supervisor ] && echo "$2" | grep -q '"dir"' && echo ready >&3`},
		"it has its own session": {script: `[ "$(ps -o sid= -p $$ | tr -d ' ')" = $$ ] && echo ready >&3`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := fakeCluster(t, tt.script).startSupervisor()
			if err != nil {
				t.Fatal(err)
			}
			var progress strings.Builder
			err = w.await(t.Context(), &progress)
			if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
			if progress.String() != tt.progress {
				t.Errorf("got progress %q, want %q", progress.String(), tt.progress)
			}
			if err == nil {
				_ = w.callerPipe.Close()
				<-w.process.Done()
			}
		})
	}
}

// TestCanceledStartWaitsForTheSupervisor cancels the context of the start. The supervisor notices that through the
// pipe.
func TestCanceledStartWaitsForTheSupervisor(t *testing.T) {
	t.Parallel()
	p := fakeCluster(t, `echo one >&3; read word <&4; echo noticed >"$(dirname "$0")/noticed"`)
	w, err := p.startSupervisor()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	progress, to := io.Pipe()
	go func() {
		_, _ = progress.Read(make([]byte, 1))
		cancel()
		_ = progress.Close()
	}()
	if err := w.await(ctx, to); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("got error %v, want the context's error", err)
	}
	if _, err := os.Stat(filepath.Join(p.Programs, "noticed")); err != nil {
		t.Error("the supervisor did not notice, or the caller did not wait for it")
	}
}

func TestStartSupervisorErrors(t *testing.T) {
	t.Parallel()
	missing := fakeCluster(t, "")
	missing.Programs = "/nowhere"
	for name, tt := range map[string]struct {
		plan Plan
		want string
	}{
		"no program": {missing, "starting the supervisor"},
		"no log":     {Plan{Dir: "/nowhere"}, "creating the supervisor's log"},
	} {
		if _, err := tt.plan.startSupervisor(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q in it", name, err, tt.want)
		}
	}
}
