package engine

import (
	"testing"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

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
		e, err := New(c, Options{Environ: []string{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		got := e.Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{use}}, nil)[0]
		if got.Reason != want {
			t.Errorf("local pulls %t: got %s: %s, want %s", local, got.Reason, got.Detail, want)
		}
	}
}
