package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// An outage of an hour delays the start by two seconds and a jitter, and is logged with its cause from time to time.
func TestGateOpensSoonAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := newAPIServerGate(slog.New(slog.NewJSONHandler(&log, nil)), make(chan struct{}))
		if err := g.check(nil); err == nil || !strings.Contains(err.Error(), "has not responded yet") {
			t.Errorf("check() = %v before the first request", err)
		}
		start := time.Now()
		const outage = time.Hour
		opened := make(chan bool)
		go func() {
			opened <- g.await(t.Context(), func(context.Context) error {
				switch since := time.Since(start); {
				case since < outage/2:
					return errors.New("connection refused")
				case since < outage:
					return errors.New("namespaces is forbidden")
				}
				return nil
			})
		}()
		time.Sleep(outage / 4)
		if err := g.check(nil); err == nil || err.Error() != "connection refused" {
			t.Errorf("check() = %v during the outage, want its cause", err)
		}
		if !<-opened {
			t.Error("the gate is closed after the outage")
		}
		if late := time.Since(start) - outage; late > 3*time.Second {
			t.Errorf("opened %s after the outage", late)
		}
		if err := g.check(nil); err == nil || !strings.Contains(err.Error(), "namespaces are not known") {
			t.Errorf("check() = %v before the sync", err)
		}
		lines := strings.Count(log.String(), "\n")
		if limit := int(outage/gateLogInterval) + 1; lines < 2 || lines > limit {
			t.Errorf("got %d lines in the log, want 2 to %d", lines, limit)
		}
		for _, cause := range []string{"connection refused", "namespaces is forbidden"} {
			if !strings.Contains(log.String(), cause) {
				t.Errorf("the log lacks %q", cause)
			}
		}
	})
}

// A process that waits for its API server ends when its context ends.
func TestGateEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		g := newAPIServerGate(slog.New(slog.DiscardHandler), ended)
		opened := make(chan bool)
		go func() {
			opened <- g.await(t.Context(), func(context.Context) error { return errors.New("connection refused") })
		}()
		time.Sleep(time.Minute)
		close(ended)
		if <-opened {
			t.Error("the gate opened")
		}
	})
}

// unsyncedCache is a cache whose sync never ends.
type unsyncedCache struct{ cache.Cache }

func (unsyncedCache) WaitForCacheSync(ctx context.Context) bool {
	<-ctx.Done()
	return false
}

// A manager that stops waits for the sync of its cache, so that the wait must end, without an error.
func TestSyncEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		g := newAPIServerGate(slog.New(slog.DiscardHandler), ended)
		c := &gatedCache{Cache: unsyncedCache{}, gate: g}
		done := make(chan bool)
		go func() { done <- c.WaitForCacheSync(t.Context()) }()
		time.Sleep(time.Minute)
		close(ended)
		if !<-done || g.synced.Load() {
			t.Errorf("synced: %t; want the wait to succeed without a sync", g.synced.Load())
		}
	})
}
