package cluster

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnThreadAvoidsTheMainThread(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			var thread int
			err := onThread(func() error {
				thread = unix.Gettid()
				return broken
			})
			if !errors.Is(err, broken) {
				t.Errorf("got error %v, want the function's error", err)
			}
			if thread == unix.Getpid() {
				t.Error("the function ran on the main thread, which cannot exit")
			}
		})
	}
	all.Wait()
}

// TestNamespacesOfAMissingProcess checks that no function is called and no command is started.
func TestNamespacesOfAMissingProcess(t *testing.T) {
	t.Parallel()
	const missing = 1 << 30
	called := false
	err := inNetwork(missing, func() error {
		called = true
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "opening the net namespace") || called {
		t.Errorf("got error %v, want an error about the namespace", err)
	}
	c := &Cluster{plan: Plan{Dir: t.TempDir()}, initPID: missing}
	if err := c.Start(exec.Command("/bin/true")); err == nil || !strings.Contains(err.Error(), "starting true inside") {
		t.Errorf("got error %v, want an error about starting", err)
	}
	if _, err := c.Dial(t.Context(), "tcp", "127.0.0.1:1"); err == nil {
		t.Error("dialling: got no error")
	}
}

func TestEnterTheWrongKindOfNamespace(t *testing.T) {
	t.Parallel()
	err := onThread(func() error { return enter(os.Getpid(), "mnt", unix.CLONE_NEWNET) })
	if err == nil || !strings.Contains(err.Error(), "entering the mnt namespace") {
		t.Errorf("got error %v, want an error about entering", err)
	}
}

func TestMountErrors(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"mount": mount("tmpfs", "/nowhere/at/all"),
		"bind":  bind("/nowhere/at/all", "/nowhere/either"),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "mounting ") {
			t.Errorf("%s: got error %v, want an error about mounting", name, err)
		}
	}
	if _, err := onOverlay("/nowhere/at/all"); err == nil || !strings.Contains(err.Error(), "reading the file system") {
		t.Errorf("got error %v, want an error about the file system", err)
	}
	if on, err := onOverlay(t.TempDir()); on || err != nil {
		t.Logf("temporary folders are on an overlay file system: %v, %v", on, err)
	}
}
