package engine

import (
	"context"
	"testing"

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
	return buildEngine(t, c, observe, clock.RealClock{}), server
}

func buildEngine(t *testing.T, c config.Configuration, observe func(bool), wall clock.Clock) *engine {
	t.Helper()
	options, err := registryOptions(c, Options{Clock: wall}) // no environment, no proxy
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEngine(c, options, observe, wall)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *engine) resolveTag(ctx context.Context, s *registry.Server, tag string) imagepull.Verdict {
	ref := imagepull.Reference{Domain: s.Addr(), Path: "shop/web", Tag: tag}
	return e.resolver.Resolve(ctx, ref, engineAccount)
}

// reference returns a reference with the digest.
func reference(s *registry.Server, digest string) imagepull.Reference {
	return imagepull.Reference{Domain: s.Addr(), Path: "shop/web", Digest: digest}
}
