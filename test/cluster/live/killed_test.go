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

// TestKilledProcessesLeaveNothing kills one of the processes and checks that the cluster leaves nothing on the
// machine.
func TestKilledProcessesLeaveNothing(t *testing.T) {
	tests := map[string]struct {
		// after is a part of the progress line after which the process is killed.
		after string
		// process is the process to kill: the caller, the supervisor or init.
		process string
		// down means that the remains need Down, because no supervisor removes them.
		down bool
	}{
		"caller half-way":     {after: "name server", process: "caller"},
		"supervisor half-way": {after: "name server", process: "supervisor", down: true},
		"init half-way":       {after: "name server", process: "init"},
		"supervisor at work":  {after: "kubeconfig", process: "supervisor", down: true},
		"init at work":        {after: "kubeconfig", process: "init"},
		"caller at work":      {after: "kubeconfig", process: "caller", down: true},
		"none":                {after: "kubeconfig", down: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := machineState(t)
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
			kill(t, o.Dir, tt.process, cmd)
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait() // killed, or failed because the cluster did not start
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

// TestOneClusterAFolder checks that a second cluster in the same folder is rejected and does not affect the first.
func TestOneClusterAFolder(t *testing.T) {
	before := machineState(t)
	o := options(t)
	c, err := cluster.Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Up(t.Context(), o); err == nil || !strings.Contains(err.Error(), "already running") {
		t.Errorf("got error %v, want an error about the running cluster", err)
	}
	clientOf(t, c)
	same, err := cluster.Open(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := clientOf(t, same).Discovery().ServerVersion(); err != nil {
		t.Errorf("calling the first cluster: %v", err)
	}
	if err := c.Down(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if err := c.Down(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("the second Down: %v", err)
	}
	sameAsBefore(t, before)
}

// TestCanceledUpLeavesNothing cancels the start and checks the machine.
func TestCanceledUpLeavesNothing(t *testing.T) {
	before := machineState(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := options(t)
	o.Progress = writerFunc(func([]byte) { cancel() })
	if _, err := cluster.Up(ctx, o); err == nil {
		t.Error("the cluster started")
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
	t.Fatalf("the command did not print %q", part)
}

// kill sends SIGKILL to one of the processes.
func kill(t *testing.T, dir, process string, caller *exec.Cmd) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	var holder struct{ Supervisor, Init int }
	if err := json.Unmarshal(data, &holder); err != nil {
		t.Fatal(err)
	}
	pid := map[string]int{"caller": caller.Process.Pid, "supervisor": holder.Supervisor, "init": holder.Init}[process]
	if pid == 0 {
		return
	}
	// A caller that has already exited needs no signal.
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && process != "caller" {
		t.Fatalf("killing %s: %v", process, err)
	}
}

// awaitDown waits until the supervisor has released the lock.
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
	if err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, stepTimeout, true, gone); err != nil {
		t.Fatalf("waiting for the cluster to stop: %v", err)
	}
}
