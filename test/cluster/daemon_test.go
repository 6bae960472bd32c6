package cluster

import (
	"os/exec"
	"strings"
	"testing"
)

func TestDaemonEnds(t *testing.T) {
	t.Parallel()
	c := newTestChildren(t)
	if err := c.start(shell("echo one; echo two >&2; pwd; exit 3")); err != nil {
		t.Fatal(err)
	}
	err := <-c.ended
	want := "sh ended: exit status 3; its last output:\none\ntwo\n" + c.plan.Dir
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
	c.busy.Wait()
	if len(c.own) != 0 {
		t.Errorf("got children %v, want none", c.own)
	}
}

// TestOnlyTheFirstEndIsReported checks that later ends are not reported and block nothing.
func TestOnlyTheFirstEndIsReported(t *testing.T) {
	t.Parallel()
	c := newTestChildren(t)
	if err := c.startDaemons(shell("exit 3"), shell("exit 4")); err != nil {
		t.Fatal(err)
	}
	c.busy.Wait()
	if err := <-c.ended; err == nil {
		t.Error("got no error, want an error about the end of a shell")
	}
	select {
	case err := <-c.ended:
		t.Errorf("got a second error %v, want one only", err)
	default:
	}
}

func TestDaemonEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example")
	c := newTestChildren(t)
	if err := c.start(shell("env")); err != nil {
		t.Fatal(err)
	}
	err := <-c.ended
	if strings.Contains(err.Error(), "proxy") || !strings.Contains(err.Error(), "HOME="+c.plan.path("home")) {
		t.Errorf("got %v, want a home of its own and no proxy", err)
	}
}

func TestDaemonDoesNotStart(t *testing.T) {
	t.Parallel()
	c := newTestChildren(t)
	missing := daemon{path: "/nowhere/missing"}
	if err := c.startDaemons(missing); err == nil || !strings.Contains(err.Error(), "starting missing") {
		t.Errorf("got error %v, want an error about starting", err)
	}
	if err := newChildren(Plan{Dir: "/nowhere"}).start(missing); err == nil || !strings.Contains(err.Error(), "creating the log of missing") {
		t.Errorf("got error %v, want an error about the log", err)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	c := newTestChildren(t)
	tests := map[string]struct {
		cmd  *exec.Cmd
		want string
	}{
		"success": {cmd: exec.Command("/bin/sh", "-c", "exit 0")},
		"failure": {cmd: exec.Command("/bin/sh", "-c", "echo why; exit 1"), want: "sh ended: exit status 1: why"},
		"missing": {cmd: exec.Command("/nowhere/x"), want: "starting /nowhere/x: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.run(tt.cmd)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLastLines(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"":                      "",
		"a\nb\n":                "a\nb",
		"1\n2\n3\n4\n5\n6\n7\n": "3\n4\n5\n6\n7",
	} {
		if got := lastLines(output); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
