package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// home is a family with a folder for logs.
func home(t *testing.T) *family {
	t.Helper()
	p := Plan{Dir: t.TempDir(), Programs: "/programs", Assets: "/assets"}
	if err := p.makeDirs(); err != nil {
		t.Fatal(err)
	}
	return newFamily(p)
}

func shell(script string) daemon {
	return daemon{name: "shell", path: "/bin/sh", args: []string{"-c", script}}
}

func TestDaemonEnds(t *testing.T) {
	t.Parallel()
	f := home(t)
	if err := f.start(shell("echo one; echo two >&2; pwd; exit 3")); err != nil {
		t.Fatal(err)
	}
	err := <-f.ended
	want := "shell ended: exit status 3; its last words:\none\ntwo\n" + f.plan.Dir
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
	f.busy.Wait()
	if len(f.own) != 0 {
		t.Errorf("got children %v, want none", f.own)
	}
}

// What ends after the first is told nobody, and holds nobody up.
func TestOnlyTheFirstEndIsTold(t *testing.T) {
	t.Parallel()
	f := home(t)
	if err := f.startAll(shell("exit 3"), shell("exit 4")); err != nil {
		t.Fatal(err)
	}
	f.busy.Wait()
	if err := <-f.ended; err == nil {
		t.Error("got no error, want one about the end of a shell")
	}
	select {
	case err := <-f.ended:
		t.Errorf("got a second error %v, want one only", err)
	default:
	}
}

func TestDaemonEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.example")
	f := home(t)
	if err := f.start(shell("env")); err != nil {
		t.Fatal(err)
	}
	err := <-f.ended
	if strings.Contains(err.Error(), "proxy") || !strings.Contains(err.Error(), "HOME="+f.plan.path("home")) {
		t.Errorf("got %v, want a home of its own and no proxy", err)
	}
}

func TestDaemonDoesNotStart(t *testing.T) {
	t.Parallel()
	f := home(t)
	missing := daemon{name: "missing", path: "/nowhere/missing"}
	if err := f.startAll(missing); err == nil || !strings.Contains(err.Error(), "starting missing") {
		t.Errorf("got error %v, want one about starting", err)
	}
	if err := newFamily(Plan{Dir: "/nowhere"}).start(missing); err == nil || !strings.Contains(err.Error(), "making the log of missing") {
		t.Errorf("got error %v, want one about the log", err)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	f := home(t)
	tests := map[string]struct {
		cmd  *exec.Cmd
		want string
	}{
		"all is well": {cmd: exec.Command("/bin/sh", "-c", "exit 0")},
		"it fails":    {cmd: exec.Command("/bin/sh", "-c", "echo why; exit 1"), want: "running /bin/sh: exit status 1: why"},
		"not there":   {cmd: exec.Command("/nowhere/x"), want: "starting /nowhere/x: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := f.run(tt.cmd)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLastLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		"":                       "",
		"a\nb\n":                 "a\nb",
		"1\n2\n3\n4\n5\n6\n7\n":  "3\n4\n5\n6\n7",
		strings.Repeat("x", 1e4): strings.Repeat("x", 4<<10),
	} {
		file := filepath.Join(dir, "log")
		if err := writeFile(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := lastLines(file); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := lastLines("/nowhere"); got != "" {
		t.Errorf("got %q of a file that is not there", got)
	}
}

func TestDaemons(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: "/dir", Programs: "/programs", Assets: "/assets"}
	built := p.programs()
	for _, d := range []daemon{
		p.etcd(), p.apiServer(), p.controllerManager(), p.scheduler(), p.proxy(), p.containerd(), p.kubelet(),
	} {
		if !slices.Contains(built[filepath.Dir(d.path)], d.name) || filepath.Base(d.path) != d.name {
			t.Errorf("%s is not a program that is built", d.path)
		}
		for _, arg := range d.args {
			if strings.Contains(arg, "--kubeconfig=") && arg != "--kubeconfig=/dir/kube/"+d.name+".kubeconfig" {
				t.Errorf("%s acts as somebody else: %s", d.name, arg)
			}
		}
	}
}

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
		t.Errorf("the dead differ (-want +got):\n%s", diff)
	}
}

// A child that somebody waits for is left to him, though it looks as an orphan does.
func TestBuryLeavesItsOwn(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Log("without a proc file system there are no orphans to find")
	}
	f := home(t)
	for range 20 {
		cmd := exec.Command("/bin/sh", "-c", "exit 5")
		if err := f.adopt(cmd); err != nil {
			t.Fatal(err)
		}
		f.bury()
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 5 {
			t.Errorf("got %v, want status 5", err)
		}
		f.forget(cmd.Process.Pid)
	}
}
