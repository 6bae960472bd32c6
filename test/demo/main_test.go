package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script writes an executable shell script. No process may be forked while the file is open for writing: it would hold
// the file open too, and an open file cannot be executed.
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

// stillScreen returns a screen without colours whose clock stands still, and what it shows.
func stillScreen() (*screen, *bytes.Buffer) {
	var b bytes.Buffer
	return &screen{w: &b, now: func() time.Time { return time.Time{} }}, &b
}

// newTestStage returns a stage with a registry and with kubectl as the script does it.
func newTestStage(t *testing.T, kubectlScript string) (*stage, *bytes.Buffer) {
	t.Helper()
	out, shown := stillScreen()
	s := &stage{out: out, dir: t.TempDir(), account: newAccount()}
	t.Cleanup(s.clear)
	if err := s.startRegistry(t.Context()); err != nil {
		t.Fatalf("starting registry: %v", err)
	}
	s.cluster = &cluster{kubectl: newKubectl(script(t, "kubectl", kubectlScript), s.dir, "kubeconfig")}
	return s, shown
}

// brokenTools are there and do nothing but fail.
func brokenTools(t *testing.T) map[string]string {
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

func TestRunFails(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx        context.Context
		env        map[string]string
		wantStatus int
		wantError  string
	}{
		"without the programs": {
			ctx: t.Context(), wantStatus: exitFailed, wantError: "run `make demo`",
		},
		"when something cannot be started": {
			ctx: t.Context(), env: brokenTools(t), wantStatus: exitFailed, wantError: "no disk",
		},
		"when it is interrupted": {
			ctx: cancelled, env: brokenTools(t), wantStatus: exitInterrupted, wantError: "interrupted",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var errOut bytes.Buffer
			out, _ := stillScreen()
			status := program{out: out, errOut: &errOut, getenv: func(key string) string { return tc.env[key] }}.run(tc.ctx)
			if status != tc.wantStatus {
				t.Errorf("got status %d, want %d", status, tc.wantStatus)
			}
			if got := errOut.String(); !strings.Contains(got, tc.wantError) {
				t.Errorf("got error output %q, want %q in it", got, tc.wantError)
			}
		})
	}
}

func TestNewAccountHasAPasswordOfItsOwn(t *testing.T) {
	t.Parallel()
	first, second := newAccount(), newAccount()
	if first.Password == "" || first.Password == second.Password {
		t.Error("two accounts have the same password, or none")
	}
}
