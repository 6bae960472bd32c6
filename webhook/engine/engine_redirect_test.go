package engine

import (
	"fmt"
	"testing"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/podspec"
)

// The author of an image may make the registry redirect to a server that does not respond. The same failure of the registry
// itself, for the same images, closes it.
func TestADeadRedirectTargetClosesNoRegistry(t *testing.T) {
	t.Parallel()
	gone, err := registry.Start(registry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	tests := map[string]struct {
		fault registry.Fault
		want  imagepull.Reason
	}{
		"redirect": {registry.Fault{Path: "/v2/broken/*", Redirect: "http://" + gone.Addr()}, imagepull.ReasonPullable},
		"failure":  {registry.Fault{Path: "/v2/broken/*", Reset: true}, imagepull.ReasonRegistryUnavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := registry.Start(registry.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Close)
			if _, err := server.PushImage("shop/web:1"); err != nil {
				t.Fatal(err)
			}
			server.Fault(test.fault)
			c := config.Default()
			c.Egress.Allow = []string{server.Addr(), gone.Addr()}
			c.Egress.InsecureRegistries = c.Egress.Allow
			e := newEngine(t, c, Options{})
			check := func(namespace, image string) imagepull.Finding {
				use := podspec.Image(server.Addr() + "/" + image)
				return e.Check(t.Context(), imagepull.Pod{Namespace: namespace, Uses: []imagepull.Use{use}}, nil)[0]
			}
			for i := range 4 {
				v := check(fmt.Sprint("tenant-", i%2), fmt.Sprint("broken/web:", i))
				if v.Reason != imagepull.ReasonRegistryUnavailable {
					t.Errorf("got %s: %s for a broken image, want RegistryUnavailable", v.Reason, v.Detail)
				}
			}
			if v := check("shop", "shop/web:1"); v.Reason != test.want {
				t.Errorf("got %s: %s, want %s", v.Reason, v.Detail, test.want)
			}
		})
	}
}
