package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCleanUpRunsInReverseOrder(t *testing.T) {
	t.Parallel()
	out, printed := newTestPrinter()
	d := &demo{out: out}
	var closed []string
	for _, name := range []string{"directory", "registry", "cluster"} {
		d.onCleanUp(func() { closed = append(closed, name) })
	}
	d.cleanUp()
	if diff := cmp.Diff([]string{"cluster", "registry", "directory"}, closed); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
	if !strings.Contains(printed.String(), "stopping all processes") {
		t.Errorf("printed: %q", printed)
	}
}

func TestRunStepPrintsItsTime(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx  context.Context
		err  error
		want string
	}{
		"no error":     {ctx: t.Context()},
		"an error":     {ctx: t.Context(), err: broken, want: "etcd: broken"},
		"an interrupt": {ctx: cancelled, want: context.Canceled.Error()},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, printed := newTestPrinter()
			err := (&demo{out: out}).runStep(tc.ctx, "etcd", func(context.Context) error { return tc.err })
			if (err == nil) != (tc.want == "") || (err != nil && err.Error() != tc.want) {
				t.Errorf("runStep: got %v, want %q", err, tc.want)
			}
			if got := printed.String(); !strings.HasPrefix(got, "  etcd ") || !strings.HasSuffix(got, " 0.0 s\n") {
				t.Errorf("printed: %q", got)
			}
		})
	}
}

func TestCleanUpFollowsAFailedSetUp(t *testing.T) {
	t.Parallel()
	env := failingPrograms(t)
	programs, err := findPrograms(func(key string) string { return env[key] })
	if err != nil {
		t.Fatalf("findPrograms: %v", err)
	}
	out, _ := newTestPrinter()
	d := &demo{programs: programs, out: out, account: newAccount()}
	err = d.setUp(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no disk") {
		t.Errorf("setUp: got %v, want the output of etcd", err)
	}
	if _, err := os.Stat(filepath.Join(d.dir, "etcd")); err != nil {
		t.Errorf("the directory: %v", err)
	}
	d.cleanUp()
	if _, err := os.Stat(d.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory after cleanUp: got %v, want that it does not exist", err)
	}
	if conn, err := net.Dial("tcp", d.registry.Addr()); err == nil {
		conn.Close()
		t.Error("the registry still listens")
	}
}

func TestStartClusterFailsWithoutItsDirectory(t *testing.T) {
	t.Parallel()
	out, _ := newTestPrinter()
	d := &demo{out: out, dir: "no-such-directory"}
	defer d.cleanUp()
	if err := d.startCluster(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("startCluster: got %v, want that the directory does not exist", err)
	}
}
