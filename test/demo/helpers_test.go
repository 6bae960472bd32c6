package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pullgate/pullgate/test/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script writes an executable shell script. The lock prevents a fork while the file is open for writing: the child would keep
// it open, and an open file cannot be executed.
func script(t *testing.T, name, body string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	syscall.ForkLock.RLock()
	err := os.WriteFile(file, []byte("#!/bin/sh\n"+body+"\n"), 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatalf("writing script: %v", err)
	}
	return file
}

// sleeping returns a process that runs, in place of the webhook.
func sleeping(t *testing.T) *process.Process {
	t.Helper()
	p, err := process.Start(exec.Command(script(t, "pullgate", "exec sleep 600")), process.Options{})
	if err != nil {
		t.Fatalf("starting a process: %v", err)
	}
	t.Cleanup(func() { p.Stop(time.Minute) })
	return p
}

// newTestPrinter returns a printer without colours whose clock stands still, and its output.
func newTestPrinter() (*printer, *bytes.Buffer) {
	var b bytes.Buffer
	return &printer{w: &b, now: func() time.Time { return time.Time{} }}, &b
}

// newTestDemo returns a demo with a registry, and with a script in place of kubectl.
func newTestDemo(t *testing.T, kubectlScript string) (*demo, *bytes.Buffer) {
	t.Helper()
	out, printed := newTestPrinter()
	d := &demo{out: out, dir: t.TempDir(), account: newAccount()}
	t.Cleanup(d.cleanUp)
	if err := d.startRegistry(t.Context()); err != nil {
		t.Fatalf("starting registry: %v", err)
	}
	d.cluster = &cluster{kubectl: newKubectl(script(t, "kubectl", kubectlScript), d.dir, "kubeconfig")}
	return d, printed
}

// failingPrograms returns an environment that names programs which always fail.
func failingPrograms(t *testing.T) map[string]string {
	t.Helper()
	etcd := script(t, "etcd", "echo no disk >&2; exit 1")
	dir := filepath.Dir(etcd)
	for _, name := range []string{"kube-apiserver", "kubectl", "kustomize", "pullgate"} {
		if err := os.Symlink(etcd, filepath.Join(dir, name)); err != nil {
			t.Fatalf("linking %s: %v", name, err)
		}
	}
	return map[string]string{
		"KUBEBUILDER_ASSETS": dir,
		"KUSTOMIZE":          filepath.Join(dir, "kustomize"),
		"PULLGATE":           filepath.Join(dir, "pullgate"),
	}
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("decoding: %v", err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("reading file: %v", err)
	}
	return string(data)
}

func mustMkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatalf("making directory: %v", err)
	}
}

// realDir returns a temporary directory without symbolic links in its path, as a process in it sees the path.
func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatalf("finding directory: %v", err)
	}
	return dir
}
