package engine

import (
	"context"
	"testing"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

var engineAccount = imagepull.Credential{Username: "alice", Password: "a", Source: "secret/shop/regcred"}

// startEngine returns an engine for one registry with private images.
func startEngine(t *testing.T, o Options) (*Engine, *registry.Server) {
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
	return newEngine(t, c, o), server
}

// newEngine returns an engine without an environment, and so without a proxy.
func newEngine(t *testing.T, c config.Configuration, o Options) *Engine {
	t.Helper()
	o.Environ = []string{}
	e, err := New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func (e *Engine) resolveTag(ctx context.Context, s *registry.Server, tag string) imagepull.Verdict {
	ref := imagepull.Reference{Domain: s.Addr(), Path: "shop/web", Tag: tag}
	return e.images.Resolve(ctx, ref, engineAccount)
}

// reference returns a reference with the digest.
func reference(s *registry.Server, digest string) imagepull.Reference {
	return imagepull.Reference{Domain: s.Addr(), Path: "shop/web", Digest: digest}
}
