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

func TestClearTakesTheLastDownFirst(t *testing.T) {
	t.Parallel()
	out, shown := stillScreen()
	s := &stage{out: out}
	var closed []string
	for _, name := range []string{"directory", "registry", "cluster"} {
		s.onClear(func() { closed = append(closed, name) })
	}
	s.clear()
	if diff := cmp.Diff([]string{"cluster", "registry", "directory"}, closed); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
	if !strings.Contains(shown.String(), "stopping everything") {
		t.Errorf("shown: %q", shown)
	}
}

func TestTake(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx  context.Context
		err  error
		want string
	}{
		"a step that works":           {ctx: t.Context()},
		"a step that does not":        {ctx: t.Context(), err: broken, want: "etcd: broken"},
		"a step that was interrupted": {ctx: cancelled, want: context.Canceled.Error()},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, shown := stillScreen()
			err := (&stage{out: out}).take(tc.ctx, "etcd", func(context.Context) error { return tc.err })
			if (err == nil) != (tc.want == "") || (err != nil && err.Error() != tc.want) {
				t.Errorf("take: got %v, want %q", err, tc.want)
			}
			if got := shown.String(); !strings.HasPrefix(got, "  etcd ") || !strings.HasSuffix(got, " 0.0 s\n") {
				t.Errorf("shown: %q", got)
			}
		})
	}
}

// Whatever a failing set-up has put up by then is taken down.
func TestSetFails(t *testing.T) {
	t.Parallel()
	env := brokenTools(t)
	tools, err := findTools(func(key string) string { return env[key] })
	if err != nil {
		t.Fatalf("findTools: %v", err)
	}
	out, _ := stillScreen()
	s := &stage{tools: tools, out: out, account: newAccount()}
	err = s.set(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no disk") {
		t.Errorf("set: got %v, want etcd's last words", err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "etcd")); err != nil {
		t.Errorf("the directory: %v", err)
	}
	s.clear()
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory after clear: got %v, want that there is none", err)
	}
	if conn, err := net.Dial("tcp", s.registry.Addr()); err == nil {
		conn.Close()
		t.Error("the registry still listens")
	}
}

func TestStartClusterNeedsItsDirectory(t *testing.T) {
	t.Parallel()
	out, _ := stillScreen()
	s := &stage{out: out, dir: "there-is-none"}
	defer s.clear()
	if err := s.startCluster(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("startCluster: got %v, want that there is no directory", err)
	}
}

func TestFreePorts(t *testing.T) {
	t.Parallel()
	ports, err := freePorts(3)
	if err != nil {
		t.Fatalf("freePorts: %v", err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if port == 0 || seen[port] {
			t.Errorf("got ports %v, want three that differ", ports)
		}
		seen[port] = true
	}
}
