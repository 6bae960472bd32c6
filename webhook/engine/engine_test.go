package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// With a token, one image needs three requests.
func TestThousandPodsOfOneImageCauseThreeRequests(t *testing.T) {
	t.Parallel()
	var hits, misses atomic.Int64
	e, server := startEngine(t, Options{ObserveCache: func(hit bool) {
		if hit {
			hits.Add(1)
			return
		}
		misses.Add(1)
	}})
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if v := e.resolveTag(t.Context(), server, "1"); v.Reason != imagepull.ReasonPullable {
				t.Errorf("reason = %s: %s, want Pullable", v.Reason, v.Detail)
			}
		})
	}
	all.Wait()
	if got := len(server.Requests()); got != 3 {
		t.Errorf("%d requests, want 3", got)
	}
	if v := e.resolveTag(t.Context(), server, "1"); v.Origin != imagepull.OriginCache {
		t.Errorf("the verdict is from %s, want the cache", v.Provenance())
	}
	if hits.Load() == 0 || misses.Load() == 0 || hits.Load()+misses.Load() != 1001 {
		t.Errorf("%d hits and %d misses, want some of each and 1001 in all", hits.Load(), misses.Load())
	}
}

func TestChangedHostsFileInvalidatesTheCache(t *testing.T) {
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
	e := newEngine(t, c, Options{Clock: wall})
	ref := imagepull.Reference{Domain: domain, Path: "shop/web", Digest: digest}
	for _, step := range []struct {
		name string
		turn func()
		want string
	}{
		{"first", func() {}, "Pullable registry"},
		{"again", func() {}, "Pullable cache 1s"},
		{"another host", func() { route("empty") }, "Unpullable registry"},
		{"the first host again", func() { route("full") }, "Pullable registry"},
	} {
		step.turn()
		wall.Step(time.Second)
		for name, r := range map[string]preflight.Resolver{"images": e.images, "contents": e.contents} {
			v := r.Resolve(t.Context(), ref, imagepull.Credential{})
			if got := v.Outcome().String() + " " + v.Provenance(); got != step.want {
				t.Errorf("%s, %s: got %s (%s), want %s", step.name, name, got, v.Detail, step.want)
			}
		}
	}
}

func TestGaugesCountTheEntriesOfBothCaches(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, Options{})
	digest := e.resolveTag(t.Context(), server, "1").Digest
	if v := e.contents.Resolve(t.Context(), reference(server, digest), engineAccount); v.Reason != imagepull.ReasonPullable {
		t.Errorf("reason = %s: %s, want Pullable", v.Reason, v.Detail)
	}
	g := e.Gauges()
	got := []int{g.CacheEntries(), g.Inflight(), g.Waiting(), g.BackedOff()}
	if diff := cmp.Diff([]int{2, 0, 0, 0}, got); diff != "" {
		t.Errorf("entries, in flight, waiting, backed off (-want +got):\n%s", diff)
	}
}

func TestConfigurationOfTheNodesDecidesTheVerdict(t *testing.T) {
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
		c.Nodes.Platforms = []string{"linux/amd64"}
		got := newEngine(t, c, Options{}).Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{use}}, nil)[0]
		if got.Reason != want {
			t.Errorf("local pulls %t: got %s: %s, want %s", local, got.Reason, got.Detail, want)
		}
	}
}
