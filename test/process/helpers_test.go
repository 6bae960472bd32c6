package process

import (
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a shell script, and stops it when the test ends.
func start(t *testing.T, script string, o Options) *Process {
	t.Helper()
	p, err := Start(exec.Command("/bin/sh", "-c", script), o)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() { p.Stop(0) })
	return p
}

// wait waits for the end of the process.
func wait(t *testing.T, p *Process) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatal("the process does not end")
	}
}
