package localregistry_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/nodes/localregistry"
)

// startWatcher runs a watcher until the test's bubble ends. It also returns the watcher's log.
func startWatcher(t *testing.T, c *configMaps) (*localregistry.Watcher, *strings.Builder) {
	t.Helper()
	c.watcher = watch.NewFake()
	log := &strings.Builder{}
	local, err := localregistry.NewWatcher(c, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatalf("NewWatcher() = %v", err)
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

func wantAddress(t *testing.T, local *localregistry.Watcher, when, want string) {
	t.Helper()
	synctest.Wait()
	if got, ok := local.Address("localhost:5001"); got != want || ok != (want != "") {
		t.Errorf("%s: Address() = %q, %v; want %q", when, got, ok, want)
	}
}

func TestWatcherFollowsTheDescription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &configMaps{}
		local, log := startWatcher(t, c)
		wantAddress(t, local, "at first", "")
		c.watcher.Add(describing(kindHosting))
		wantAddress(t, local, "after it was described", "kind-registry:5000")
		c.watcher.Modify(describing(strings.ReplaceAll(kindHosting, "5000", "5010")))
		wantAddress(t, local, "after it moved", "kind-registry:5010")
		for range 3 {
			c.watcher.Modify(describing("host: ["))
		}
		wantAddress(t, local, "after an invalid description", "")
		if lines := strings.Count(log.String(), "\n"); lines != 1 {
			t.Errorf("got %d lines for one mistake:\n%s", lines, log)
		}
		c.watcher.Modify(describing(kindHosting))
		c.watcher.Modify(describing("host: ["))
		wantAddress(t, local, "after the same mistake", "")
		if lines := strings.Count(log.String(), "\n"); lines != 2 {
			t.Errorf("got %d lines for a mistake made twice:\n%s", lines, log)
		}
		c.watcher.Delete(describing(kindHosting))
		wantAddress(t, local, "after it was deleted", "")
		if all := slices.Compact(c.selectors); len(all) != 1 || all[0] != "metadata.name=local-registry-hosting" {
			t.Errorf("field selectors = %q, want one", all)
		}
	})
}

func TestWatcherLogsAFailureOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"not allowed": {errForbidden, "reading the ConfigMap is not allowed"},
		"no response": {errors.New("connection lost"), "the API server did not respond"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				local, log := startWatcher(t, &configMaps{err: test.err})
				wantAddress(t, local, "after the failure", "")
				if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), test.want) {
					t.Errorf("got log %q, want %q in one line", log, test.want)
				}
			})
		})
	}
}

func TestWatcherRunsOnEveryReplica(t *testing.T) {
	t.Parallel()
	local, err := localregistry.NewWatcher(&configMaps{}, slog.New(slog.DiscardHandler))
	if err != nil || local.NeedLeaderElection() {
		t.Errorf("NeedLeaderElection() = true, %v; want false", err)
	}
}
