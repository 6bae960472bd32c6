package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeadChildren(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	for pid, stat := range map[string]string{
		"2":    "2 (sh) S 1 2 2 0",
		"3":    "3 (sh) Z 1 3 3 0",
		"4":    "4 (odd) Z 1 (name) Z 1 4 4 0",
		"5":    "5 (another's) Z 2 5 5 0",
		"6":    "6 (cut",
		"8":    "8 (short) Z",
		"9":    "nine (sh) Z 1 9 9 0",
		"10":   "10 (sh) Z one 10 10 0",
		"self": "7 (no process) Z 1 7 7 0",
	} {
		if err := writeFile(filepath.Join(proc, pid, "stat"), []byte(stat)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{3, 4}, deadChildren(proc, 1)); diff != "" {
		t.Errorf("dead children (-want +got):\n%s", diff)
	}
}

// TestReapSkipsOwnChildren checks that reap does not collect an own child, which looks like an orphan.
func TestReapSkipsOwnChildren(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Log("without a proc file system there are no orphans to find")
	}
	c := newTestChildren(t)
	for range 20 {
		cmd := exec.Command("/bin/sh", "-c", "exit 5")
		if err := c.startChild(cmd); err != nil {
			t.Fatal(err)
		}
		c.reap()
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 5 {
			t.Errorf("got %v, want status 5", err)
		}
		c.remove(cmd.Process.Pid)
	}
}
