package stage

import (
	"os"
	"os/exec"
	"testing"
)

// itself returns the test's own process.
func itself(t *testing.T) *Process {
	t.Helper()
	process, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return &Process{cmd: &exec.Cmd{Process: process}}
}
