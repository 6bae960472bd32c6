//go:build cluster

package live

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/pullgate/pullgate/test/cluster"
)

// Whoever is killed, nothing is left.
func TestKilled(t *testing.T) {
	tests := map[string]struct {
		// after is a part of the line after which somebody is killed.
		after string
		// who is killed: the caller, the warden or the keeper.
		who string
		// down is for what cannot be cleared up without a warden.
		down bool
	}{
		"caller half-way": {after: "name server", who: "caller"},
		"warden half-way": {after: "name server", who: "warden", down: true},
		"keeper half-way": {after: "name server", who: "keeper"},
		"warden at work":  {after: "kubeconfig", who: "warden", down: true},
		"keeper at work":  {after: "kubeconfig", who: "keeper"},
		"caller at work":  {after: "kubeconfig", who: "caller", down: true},
		"nobody":          {after: "kubeconfig", down: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := look(t)
			o := options(t)
			cmd := exec.Command(filepath.Join(programs(), "cluster"), "-dir", o.Dir, "-programs", o.Programs, "up")
			cmd.Stderr = t.Output()
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			readUntil(t, out, tt.after)
			kill(t, o.Dir, tt.who, cmd)
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait() // killed, or told that the cluster did not come up
			if tt.down {
				if err := cluster.Down(t.Context(), o.Dir); err != nil {
					t.Error(err)
				}
			}
			awaitDown(t, o.Dir)
			sameAsBefore(t, before)
		})
	}
}

// A second cluster in the same folder is refused, and does the first no harm.
func TestOneClusterAFolder(t *testing.T) {
	before := look(t)
	o := options(t)
	c, err := cluster.Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Up(t.Context(), o); err == nil || !strings.Contains(err.Error(), "already up") {
		t.Errorf("got error %v, want one that says that a cluster is up", err)
	}
	clientOf(t, c)
	same, err := cluster.Open(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clientOf(t, same).Discovery().ServerVersion(); err != nil {
		t.Errorf("asking the first cluster: %v", err)
	}
	if err := c.Down(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if err := c.Down(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("taking it down twice: %v", err)
	}
	sameAsBefore(t, before)
}

// A caller who gives up gets the machine back.
func TestUpIsInterrupted(t *testing.T) {
	before := look(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := options(t)
	o.Progress = writerFunc(func([]byte) { cancel() })
	if _, err := cluster.Up(ctx, o); err == nil {
		t.Error("the cluster came up")
	}
	sameAsBefore(t, before)
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func readUntil(t *testing.T, r io.Reader, part string) {
	t.Helper()
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		if strings.Contains(scanner.Text(), part) {
			return
		}
	}
	t.Fatalf("the command did not say %q", part)
}

// kill kills one of the processes outright.
func kill(t *testing.T, dir, who string, caller *exec.Cmd) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	var holder struct{ Warden, Keeper int }
	if err := json.Unmarshal(data, &holder); err != nil {
		t.Fatal(err)
	}
	pid := map[string]int{"caller": caller.Process.Pid, "warden": holder.Warden, "keeper": holder.Keeper}[who]
	if pid == 0 {
		return
	}
	// A command that has come to its end already needs no killing.
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && who != "caller" {
		t.Fatalf("killing the %s: %v", who, err)
	}
}

// awaitDown waits for what goes on after the caller is gone.
func awaitDown(t *testing.T, dir string) {
	t.Helper()
	gone := func(context.Context) (bool, error) {
		file, err := os.Open(filepath.Join(dir, "lock"))
		if err != nil {
			return false, err
		}
		defer file.Close()
		return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil, nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, gone); err != nil {
		t.Fatalf("waiting for the cluster to go down: %v", err)
	}
}
