package nodes_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// follow runs a watch of the local registry until the test's bubble ends. It returns what that logs, too.
func follow(t *testing.T, p *public) (*nodes.LocalRegistry, *strings.Builder) {
	t.Helper()
	p.watcher = watch.NewFake()
	log := &strings.Builder{}
	local, err := nodes.NewLocalRegistry(p, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatalf("NewLocalRegistry() = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- local.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Start() = %v", err)
		}
	})
	synctest.Wait()
	return local, log
}

func wantAddress(t *testing.T, local *nodes.LocalRegistry, when, want string) {
	t.Helper()
	synctest.Wait()
	if got, ok := local.At("localhost:5001"); got != want || ok != (want != "") {
		t.Errorf("%s: At() = %q, %v; want %q", when, got, ok, want)
	}
}

func TestLocalRegistry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &public{}
		local, log := follow(t, p)
		wantAddress(t, local, "at first", "")
		p.watcher.Add(describing(ofKind))
		wantAddress(t, local, "once it is described", "kind-registry:5000")
		p.watcher.Modify(describing(strings.ReplaceAll(ofKind, "5000", "5010")))
		wantAddress(t, local, "once it has moved", "kind-registry:5010")
		for range 3 {
			p.watcher.Modify(describing("host: ["))
		}
		wantAddress(t, local, "once it can't be understood", "")
		if lines := strings.Count(log.String(), "\n"); lines != 1 {
			t.Errorf("got %d lines for one mistake:\n%s", lines, log)
		}
		p.watcher.Modify(describing(ofKind))
		p.watcher.Modify(describing("host: ["))
		wantAddress(t, local, "the same mistake again", "")
		if lines := strings.Count(log.String(), "\n"); lines != 2 {
			t.Errorf("got %d lines for a mistake made twice:\n%s", lines, log)
		}
		p.watcher.Delete(describing(ofKind))
		wantAddress(t, local, "in the end", "")
		if all := slices.Compact(p.selectors); len(all) != 1 || all[0] != "metadata.name=local-registry-hosting" {
			t.Errorf("asked for %q, want the one object", all)
		}
	})
}

// TestLocalRegistryUnread: whoever may not read it does without, and is told once.
func TestLocalRegistryUnread(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"not allowed": {errForbidden, "reading the ConfigMap is not allowed"},
		"no answer":   {errors.New("connection lost"), "the API server gave no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				local, log := follow(t, &public{err: test.err})
				wantAddress(t, local, "never", "")
				if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), test.want) {
					t.Errorf("got log %q, want %q in one line", log, test.want)
				}
			})
		})
	}
}

func TestLocalRegistryIsEveryReplicasOwn(t *testing.T) {
	t.Parallel()
	local, err := nodes.NewLocalRegistry(&public{}, slog.New(slog.DiscardHandler))
	if err != nil || local.NeedLeaderElection() {
		t.Errorf("NeedLeaderElection() = true, %v; want false", err)
	}
}
