package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pullgate/pullgate/test/process"
)

// fakeCluster returns a plan whose cluster command is a shell script. The script gets the role as $1 and the plan as
// $2.
func fakeCluster(t *testing.T, script string) Plan {
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

// createFiles creates empty files.
func createFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := writeFile(filepath.Join(dir, name), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// lookPathOf returns a lookPath function that finds only the given commands.
func lookPathOf(commands ...string) func(string) (string, error) {
	return func(name string) (string, error) {
		if slices.Contains(commands, name) {
			return "/usr/bin/" + name, nil
		}
		return "", exec.ErrNotFound
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// clearFiles removes the files in a cgroup's folder. The kernel removes them with the folder, but a test's folder is
// an ordinary one.
func clearFiles(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
			_ = os.Remove(filepath.Join(dir, name))
		}
	}
}

// newTestChildren returns children with a folder for logs.
func newTestChildren(t *testing.T) *children {
	t.Helper()
	p := Plan{Dir: t.TempDir(), Programs: "/programs", Assets: "/assets"}
	if err := p.makeDirs(); err != nil {
		t.Fatal(err)
	}
	return newChildren(p)
}

func shell(script string) daemon { return daemon{path: "/bin/sh", args: []string{"-c", script}} }

// startShell runs a shell script, and kills it when the test ends.
func startShell(t *testing.T, script string) *process.Process {
	t.Helper()
	p, err := process.Start(exec.Command("/bin/sh", "-c", script), process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}
