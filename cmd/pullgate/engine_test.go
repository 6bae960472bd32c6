package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
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
	return buildEngine(t, c, observe, clock.RealClock{}), server
}

func buildEngine(t *testing.T, c config.Configuration, observe func(bool), wall clock.Clock) *engine {
	t.Helper()
	options, err := registryOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	options.Proxy = nil // whatever this machine's environment says
	e, err := newEngine(c, options, observe, wall)
	if err != nil {
		t.Fatal(err)
	}
	return e
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

// TestEngineNoticesAnotherHost: what it knows from one host says nothing of another.
func TestEngineNoticesAnotherHost(t *testing.T) {
	t.Parallel()
	const domain = "registry.example"
	dir := t.TempDir()
	servers := map[string]*registry.Server{}
	c := config.Default()
	for _, name := range []string{"full", "empty"} {
		server, err := registry.Start(registry.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Close)
		servers[name] = server
		c.Egress.Allow = append(c.Egress.Allow, server.Addr())
	}
	digest, err := servers["full"].PushImage("shop/web:1")
	if err != nil {
		t.Fatal(err)
	}
	route := func(to string) {
		file := filepath.Join(dir, domain, "hosts.toml")
		text := fmt.Sprintf("server = \"https://%s\"\nskip_verify = true\n", servers[to].Addr())
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	route("full")
	c.Nodes.HostsDir, c.Deep = dir, true
	wall := clocktesting.NewFakeClock(time.Now())
	e := buildEngine(t, c, nil, wall)
	ref := imagepull.Reference{Domain: domain, Path: "shop/web", Digest: digest}
	for _, step := range []struct {
		name string
		turn func()
		want string
	}{
		{"first", func() {}, "Pullable registry"},
		{"again", func() {}, "Pullable cache 1s"},
		{"from another host", func() { route("empty") }, "Unpullable registry"},
		{"from the first one again", func() { route("full") }, "Pullable registry"},
	} {
		step.turn()
		wall.Step(time.Second)
		for name, r := range map[string]preflight.Resolver{"resolver": e.resolver, "contents": e.contents} {
			v := r.Resolve(t.Context(), ref, imagepull.Credential{})
			if got := v.Outcome().String() + " " + v.Provenance(); got != step.want {
				t.Errorf("%s, %s: got %s (%s), want %s", step.name, name, got, v.Detail, step.want)
			}
		}
	}
}

// TestEngineTellsTheCheckerOfTheNodes: what the configuration says of their runtime decides.
func TestEngineTellsTheCheckerOfTheNodes(t *testing.T) {
	t.Parallel()
	server, err := registry.Start(registry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if _, err := server.PushEntries("shop/web:1", registry.Entry{Platform: imagepull.Platform{OS: "linux", Architecture: "386"}}); err != nil {
		t.Fatal(err)
	}
	use := imagepull.Use{Reference: imagepull.Reference{Domain: server.Addr(), Path: "shop/web", Tag: "1"}}
	for local, want := range map[bool]imagepull.Reason{false: imagepull.ReasonPlatformMismatch, true: imagepull.ReasonPullable} {
		c := config.Default()
		c.Egress.Allow = []string{server.Addr()}
		c.Nodes.LocalImagePull = local
		checker := buildEngine(t, c, nil, clock.RealClock{}).checker(
			credentials.Node{Source: secrets.Files{}}, nodes.Declared{{OS: "linux", Architecture: "amd64"}},
		)
		got := checker.Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{use}}, nil)[0]
		if got.Reason != want {
			t.Errorf("local pulls %t: got %s: %s, want %s", local, got.Reason, got.Detail, want)
		}
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
