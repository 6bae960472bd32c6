package main

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

var engineAccount = imagepull.Credential{Username: "alice", Password: "a", Source: "secret/shop/regcred"}

// startEngine returns an engine for one registry with private images.
func startEngine(t *testing.T, observe func(bool)) (*engine, *registry.Server) {
	t.Helper()
	server, err := registry.Start(registry.Config{
		Auth:     registry.AuthBearer,
		Accounts: []registry.Account{{Username: "alice", Password: "a", Repositories: []string{"shop/*"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if _, err := server.PushImage("shop/web:1"); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Egress.Allow = []string{server.Addr()}
	c.Deep = true
	options, err := registryOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	options.Proxy = nil // whatever this machine's environment says
	e, err := newEngine(c, options, observe, clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	return e, server
}

func (e *engine) ask(ctx context.Context, s *registry.Server, tag string) imagepull.Verdict {
	ref := imagepull.Reference{Domain: s.Addr(), Path: "shop/web", Tag: tag}
	return e.resolver.Resolve(ctx, ref, engineAccount)
}

// reference is to an image by its digest.
func reference(s *registry.Server, digest string) imagepull.Reference {
	return imagepull.Reference{Domain: s.Addr(), Path: "shop/web", Digest: digest}
}

// TestEngineAsksOnce for a thousand pods of one image: with a token, three requests in all.
func TestEngineAsksOnce(t *testing.T) {
	t.Parallel()
	var hits, misses atomic.Int64
	e, server := startEngine(t, func(hit bool) {
		if hit {
			hits.Add(1)
			return
		}
		misses.Add(1)
	})
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if v := e.ask(t.Context(), server, "1"); v.Reason != imagepull.ReasonPullable {
				t.Errorf("reason = %s: %s, want Pullable", v.Reason, v.Detail)
			}
		})
	}
	all.Wait()
	if got := len(server.Requests()); got != 3 {
		t.Errorf("%d requests, want 3", got)
	}
	if v := e.ask(t.Context(), server, "1"); v.Origin != imagepull.OriginCache {
		t.Errorf("the verdict is from %s, want the cache", v.Provenance())
	}
	if hits.Load() == 0 || misses.Load() == 0 || hits.Load()+misses.Load() != 1001 {
		t.Errorf("%d hits and %d misses, want some of each and 1001 in all", hits.Load(), misses.Load())
	}
}

func TestEngineGauges(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, nil)
	digest := e.ask(t.Context(), server, "1").Digest
	if v := e.contents.Resolve(t.Context(), reference(server, digest), engineAccount); v.Reason != imagepull.ReasonPullable {
		t.Errorf("reason = %s: %s, want Pullable", v.Reason, v.Detail)
	}
	g := e.gauges()
	got := []int{g.CacheEntries(), g.Inflight(), g.Waiting(), g.BackedOff()}
	if diff := cmp.Diff([]int{2, 0, 0, 0}, got); diff != "" {
		t.Errorf("entries, in flight, waiting, backed off (-want +got):\n%s", diff)
	}
}
