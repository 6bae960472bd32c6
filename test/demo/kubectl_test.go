package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKubectlRun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script string
		want   commandResult
	}{
		"both output streams in their order": {
			script: "echo 'Warning: check' >&2; echo created",
			want:   commandResult{output: "Warning: check\ncreated\n"},
		},
		"exit status 1":                {script: "echo no >&2; exit 1", want: commandResult{output: "no\n", status: 1}},
		"arguments and standard input": {script: `echo "$@"; cat`, want: commandResult{output: "apply -f -\nmanifest"}},
		"its own home":                 {script: `test "$HOME" = "$(pwd -P)" || echo "$HOME"`},
		"its own kubeconfig":           {script: `echo "$KUBECONFIG"`, want: commandResult{output: "the.kubeconfig\n"}},
		"no other variables":           {script: `echo "$GOCACHE$GOPATH$USER"`, want: commandResult{output: "\n"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKubectl(script(t, "kubectl", tc.script), realDir(t), "the.kubeconfig")
			got, err := k.run(t.Context(), []byte("manifest"), "apply", "-f", "-")
			if err != nil {
				t.Fatalf("run: %v", err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(commandResult{})); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKubectlRunFails(t *testing.T) {
	t.Parallel()
	t.Run("missing program", func(t *testing.T) {
		t.Parallel()
		_, err := newKubectl("./no-such-program", t.TempDir(), "").run(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), "running kubectl") {
			t.Errorf("run: got %v", err)
		}
	})
	t.Run("an interrupt", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := newKubectl(script(t, "kubectl", "exec sleep 600"), t.TempDir(), "").run(ctx, nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("run: got %v, want that it was cancelled", err)
		}
	})
}

func TestKubectlMust(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path       string
		wantOutput string
		wantError  string
	}{
		"status 0":        {path: script(t, "kubectl", "echo token"), wantOutput: "token\n"},
		"status 1":        {path: script(t, "kubectl", "echo forbidden >&2; exit 1"), wantError: "kubectl create token ended with status 1:\nforbidden\n"},
		"missing program": {path: "./no-such-program", wantError: "running kubectl"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newKubectl(tc.path, t.TempDir(), "").must(t.Context(), nil, "create", "token")
			if got != tc.wantOutput {
				t.Errorf("got output %q, want %q", got, tc.wantOutput)
			}
			if (err == nil) != (tc.wantError == "") || (err != nil && !strings.Contains(err.Error(), tc.wantError)) {
				t.Errorf("got error %v, want one with %q", err, tc.wantError)
			}
		})
	}
}
