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

func TestOnThread(t *testing.T) {
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
				t.Errorf("got error %v, want that of the function", err)
			}
			if thread == unix.Getpid() {
				t.Error("the main thread was used, which can't end")
			}
		})
	}
	all.Wait()
}

// Who isn't there can't be joined; nothing is called and nothing started.
func TestNamespacesOfNobody(t *testing.T) {
	t.Parallel()
	const nobody = 1 << 30
	called := false
	err := inNetwork(nobody, func() error {
		called = true
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "finding the net namespace") || called {
		t.Errorf("got error %v, want one about the namespace", err)
	}
	c := &Cluster{plan: Plan{Dir: t.TempDir()}, keeper: nobody}
	if err := c.Start(exec.Command("/bin/true")); err == nil || !strings.Contains(err.Error(), "starting true inside") {
		t.Errorf("got error %v, want one about starting", err)
	}
	if _, err := c.Dial(t.Context(), "tcp", "127.0.0.1:1"); err == nil {
		t.Error("dialling: got no error")
	}
}

func TestEnterAFileThatIsNoNamespace(t *testing.T) {
	t.Parallel()
	err := onThread(func() error { return enter(os.Getpid(), "mnt", unix.CLONE_NEWNET) })
	if err == nil || !strings.Contains(err.Error(), "entering the mnt namespace") {
		t.Errorf("got error %v, want one about entering", err)
	}
}

func TestMountErrors(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"mount": mount("tmpfs", "/nowhere/at/all"),
		"bind":  bind("/nowhere/at/all", "/nowhere/either"),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "mounting ") {
			t.Errorf("%s: got error %v, want one about mounting", name, err)
		}
	}
	if _, err := onOverlay("/nowhere/at/all"); err == nil || !strings.Contains(err.Error(), "asking for the file system") {
		t.Errorf("got error %v, want one about the file system", err)
	}
	if on, err := onOverlay(t.TempDir()); on || err != nil {
		t.Logf("temporary folders are on an overlay file system: %v, %v", on, err)
	}
}
