package cluster

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// asCluster is a plan whose cluster command is a shell script. It gets the role as $1 and the plan as $2.
func asCluster(t *testing.T, script string) Plan {
	t.Helper()
	p := Plan{Dir: t.TempDir(), Programs: t.TempDir()}
	if err := p.makeDirs(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.Programs, "cluster")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStartWarden(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ script, progress, want string }{
		"it comes up":         {script: "echo one >&3; echo ready >&3; read word <&4", progress: "one\n"},
		"it says why not":     {script: "echo 'error: why' >&3; exit 1", want: "bringing the cluster up: why"},
		"it ends":             {script: "exit 1", want: "bringing the cluster up: the cluster ended without a word"},
		"it knows its role":   {script: `[ "$1" = warden ] && echo "$2" | grep -q '"dir"' && echo ready >&3`},
		"it is its own group": {script: `[ "$(ps -o sid= -p $$ | tr -d ' ')" = $$ ] && echo ready >&3`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := asCluster(t, tt.script).startWarden()
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
				_ = w.life.Close()
				<-w.ended
			}
		})
	}
}

// The caller gives up: the warden notices by the pipe, and is waited for.
func TestStartWardenAndGiveUp(t *testing.T) {
	t.Parallel()
	p := asCluster(t, `echo one >&3; read word <&4; echo noticed >"$(dirname "$0")/noticed"`)
	w, err := p.startWarden()
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
		t.Errorf("got error %v, want that of the context", err)
	}
	if _, err := os.Stat(filepath.Join(p.Programs, "noticed")); err != nil {
		t.Error("the warden has not noticed, or was not waited for")
	}
}

func TestStartWardenErrors(t *testing.T) {
	t.Parallel()
	missing := asCluster(t, "")
	missing.Programs = "/nowhere"
	for name, tt := range map[string]struct {
		plan Plan
		want string
	}{
		"no program": {missing, "starting the warden"},
		"no log":     {Plan{Dir: "/nowhere"}, "making the warden's log"},
	} {
		if _, err := tt.plan.startWarden(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, tt.want)
		}
	}
}

func TestDetach(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := &Cluster{life: w}
	if err := c.detach(); err != nil {
		t.Fatal(err)
	}
	word, err := io.ReadAll(r)
	if err != nil || string(word) != string(rune(staying)) {
		t.Errorf("the warden is told %q, want %q", word, staying)
	}
	if err := (&Cluster{life: w}).detach(); err == nil || !strings.Contains(err.Error(), "letting the cluster stay") {
		t.Errorf("without a pipe: got error %v, want one about staying", err)
	}
}

func TestWatchLife(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]string{"not a word": "", "another word": "x"} {
		gone := make(chan struct{})
		go func() {
			watchLife(strings.NewReader(word))
			close(gone)
		}()
		select {
		case <-gone:
		case <-t.Context().Done():
			t.Errorf("%s: the caller's end was not noticed", name)
		}
	}
}

func TestAttend(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ script, want string }{
		"it ends when told to":  {script: "trap 'exit 0' TERM; echo; while :; do read line; done"},
		"it ends badly then":    {script: "trap 'exit 9' TERM; echo; while :; do read line; done", want: "the keeper ended: exit status 9"},
		"it ends by itself":     {script: "echo; exit 3", want: "the keeper ended: exit status 3"},
		"it ends by itself, ok": {script: "echo"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper := exec.Command("/bin/sh", "-c", tt.script)
			out, err := keeper.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := keeper.Start(); err != nil {
				t.Fatal(err)
			}
			_, _ = out.Read(make([]byte, 1)) // the trap is set
			ctx, cancel := context.WithCancel(t.Context())
			if strings.HasPrefix(tt.script, "trap") {
				cancel()
			}
			defer cancel()
			err = attend(ctx, keeper)
			if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

// Down asks whoever holds the lock, waits, and clears up what that one has left.
func TestDownAsksTheWarden(t *testing.T) {
	t.Parallel()
	p := asCluster(t, "")
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	warden := exec.Command("/bin/sh", "-c", "while :; do read line; done")
	stdin, err := warden.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := warden.Start(); err != nil {
		t.Fatal(err)
	}
	if err := held.tell(holder{Warden: warden.Process.Pid, Plan: p}); err != nil {
		t.Fatal(err)
	}
	released := make(chan error, 1)
	go func() {
		_ = warden.Wait()
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
	status := warden.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("the warden ended by %v, want SIGTERM", warden.ProcessState)
	}
	if _, err := os.Stat(p.path("etc")); !os.IsNotExist(err) {
		t.Error("its files are still there")
	}
}

func TestDownOfNothing(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"an empty folder": t.TempDir(), "no folder": filepath.Join(t.TempDir(), "x")} {
		for range 2 {
			if err := Down(t.Context(), dir); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestDownGivesUp(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Down(ctx, p.Dir); err == nil || !strings.Contains(err.Error(), "waiting for the cluster to go down") {
		t.Errorf("got error %v, want one about waiting", err)
	}
	life, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c := &Cluster{plan: p, life: life, warden: make(chan error)}
	if err := c.Down(ctx); err == nil || err.Error() != "context canceled" {
		t.Errorf("got error %v, want that of the context", err)
	}
}

func TestDownTellsOfAnEarlierEnd(t *testing.T) {
	t.Parallel()
	life, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ended := make(chan error, 1)
	ended <- os.ErrInvalid
	c := &Cluster{plan: Plan{Dir: t.TempDir()}, life: life, warden: ended}
	if err := c.Down(t.Context()); err == nil || !strings.Contains(err.Error(), "had come down by itself") {
		t.Errorf("got error %v, want one that says that it came down by itself", err)
	}
	if err := c.Down(t.Context()); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestRunWardenTwice(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	held, err := p.acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	if err := RunWarden(t.Context(), p, nil, strings.NewReader("")); err == nil || !strings.Contains(err.Error(), "already up") {
		t.Errorf("got error %v, want one that says that a cluster is up", err)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	p := asCluster(t, "")
	p.Assets = t.TempDir()
	place(t, p.Assets, "kubectl")
	c := &Cluster{plan: p, keeper: os.Getpid()}
	for name, want := range map[string]string{
		"kubectl": filepath.Join(p.Assets, "kubectl"), "cluster": filepath.Join(p.Programs, "cluster"),
		"/bin/sh": "/bin/sh", "./kubectl": "./kubectl",
	} {
		if got := c.Command(t.Context(), name, "x"); got.Path != want || got.Args[1] != "x" {
			t.Errorf("%s: got %v, want %s", name, got, want)
		}
	}
	if env := c.Command(t.Context(), "kubectl").Env; env[len(env)-1] != "KUBECONFIG="+c.Kubeconfig() {
		t.Errorf("got environment %v, want the kubeconfig in it", env)
	}
	for _, address := range []string{"registry.example:443", "10.88.0.1", "", strconv.Itoa(443)} {
		if _, err := c.Dial(t.Context(), "tcp", address); err == nil || !strings.Contains(err.Error(), "no IP address") {
			t.Errorf("%q: got error %v, want one about the address", address, err)
		}
	}
	for _, path := range []string{c.HostsDir(), c.LogDir(), c.PrivateConfig()} {
		if !strings.HasPrefix(path, p.Dir+"/") {
			t.Errorf("%s is not in the cluster's folder", path)
		}
	}
	if c.Program() != filepath.Join(p.Programs, "pause") {
		t.Errorf("got program %s", c.Program())
	}
}

// A process of a cluster is waited for, and nobody else who has its process id.
func TestOutlive(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pid     int
		stat    string
		threads []string
		waits   bool
	}{
		"it is there":         {pid: 7, stat: "7 (cluster) S 1 7", waits: true},
		"it has ended":        {pid: 7, stat: "7 (cluster) Z 1 7", threads: []string{"7"}},
		"it has ended partly": {pid: 7, stat: "7 (cluster) Z 1 7", threads: []string{"7", "9"}, waits: true},
		"another has its pid": {pid: 7, stat: "7 (sh) S 1 7"},
		"it is gone":          {pid: 8, stat: "7 (cluster) S 1 7"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proc := t.TempDir()
			if err := writeFile(filepath.Join(proc, "7", "stat"), []byte(tt.stat)); err != nil {
				t.Fatal(err)
			}
			for _, thread := range tt.threads {
				place(t, proc, "7/task/"+thread+"/stat")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*pollEvery)
			defer cancel()
			outlive(ctx, proc, tt.pid)
			if waited := ctx.Err() != nil; waited != tt.waits {
				t.Errorf("it was waited for: %v, want %v", waited, tt.waits)
			}
		})
	}
	t.Run("it goes while waited for", func(t *testing.T) {
		t.Parallel()
		proc := t.TempDir()
		file := filepath.Join(proc, "7", "stat")
		if err := writeFile(file, []byte("7 (cluster) S 1 7")); err != nil {
			t.Fatal(err)
		}
		returned := make(chan struct{})
		go func() {
			outlive(t.Context(), proc, 7)
			close(returned)
		}()
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		<-returned
	})
}
