package registry_test

import (
	"context"
	"net"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	const insecure = "InsecureRegistry: the registry speaks plain HTTP"
	tests := map[string]struct {
		host   string
		egress egress.Rules
		want   string
	}{
		"on a remote host":     {host: host + ":5000", want: insecure},
		"on an allowed host":   {host: host + ":5000", egress: egress.Rules{Allow: []string{"*"}}, want: insecure},
		"on an insecure host":  {host: host + ":5000", egress: egress.Rules{Insecure: []string{host}}, want: "Pullable"},
		"on an insecure port":  {host: host + ":5000", egress: egress.Rules{Insecure: []string{host + ":5000"}}, want: "Pullable"},
		"on another port":      {host: host + ":5000", egress: egress.Rules{Insecure: []string{host + ":5001"}}, want: insecure},
		"on the port of https": {host: host, egress: egress.Rules{Insecure: []string{host}}, want: "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{PlainHTTP: true}, func(o *registry.Options) { o.Egress = test.egress })
			wantVerdict(t, w.resolve(test.host+"/shop/web:1", anonymous()), test.want)
		})
	}
}

// A registry that nodes configure as insecure, without a port, listens on port 80 and may refuse port 443.
func TestPlainHTTPOnPort80(t *testing.T) {
	t.Parallel()
	const plain = "plain.example.com"
	tests := map[string]struct {
		insecure []string
		want     string
	}{
		"not insecure":          {want: "RegistryUnavailable: connection refused; transient"},
		"insecure":              {insecure: []string{plain}, want: "Pullable"},
		"insecure on port 80":   {insecure: []string{plain + ":80"}, want: "Pullable"},
		"insecure on port 5000": {insecure: []string{plain + ":5000"}, want: "RegistryUnavailable: connection refused; transient"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{}, func(o *registry.Options) { o.Egress.Insecure = test.insecure })
			pushWeb(t, w.add(plain+":80", testregistry.Config{PlainHTTP: true}))
			wantVerdict(t, w.resolve(plain+"/shop/web:1", anonymous()), test.want)
		})
	}
}

// A host with a port is not tried on port 80.
func TestRefusedPortHasNoFallback(t *testing.T) {
	t.Parallel()
	dials := 0
	w := newFixture(t, testregistry.Config{}, func(o *registry.Options) {
		o.Egress.Insecure = []string{host}
		dial := o.DialContext
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials++
			return dial(ctx, network, address)
		}
	})
	w.network.Set(host, testregistry.Refused)
	wantVerdict(t, w.resolve(host+":5000/shop/web:1", anonymous()), "RegistryUnavailable: connection refused; transient")
	if dials != 1 {
		t.Errorf("got %d attempts to connect, want 1", dials)
	}
}

func TestPlainHTTPWithAToken(t *testing.T) {
	t.Parallel()
	cfg := bearer()
	cfg.PlainHTTP = true
	w := newFixture(t, cfg, func(o *registry.Options) { o.Egress.Insecure = []string{host} })
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200")
}

func TestTokenServiceByPlainHTTPIsForbidden(t *testing.T) {
	t.Parallel()
	cfg := bearer()
	cfg.Token.Realm = "http://" + host + "/token"
	w := newFixture(t, cfg)
	wantVerdict(t, w.resolve(web, alice()), "EgressForbidden: the registry refers to plain HTTP")
	wantWire(t, w.Server, "HEAD shop/web:1 401")
}

func TestLoopbackRegistries(t *testing.T) {
	t.Parallel()
	const local = "NodeLocalRegistry: a loopback registry is the node's own, which Pullgate cannot reach"
	for _, plain := range []bool{false, true} {
		w := newFixture(t, testregistry.Config{PlainHTTP: plain})
		_, port, _ := strings.Cut(w.Addr(), ":")
		tests := map[string]struct {
			host  string
			allow []string
			want  string
		}{
			"by address":            {host: "127.0.0.1:" + port, want: local},
			"by name":               {host: "localhost:" + port, want: local},
			"without a port":        {host: "localhost", want: local},
			"by IPv6 address":       {host: "[::1]:" + port, want: local},
			"another is allowed":    {host: "127.0.0.1:" + port, allow: []string{"127.0.0.1:1"}, want: local},
			"allowed by address":    {host: "127.0.0.1:" + port, allow: []string{"127.0.0.0/8"}, want: "Pullable"},
			"only its name allowed": {host: "localhost:" + port, allow: []string{"localhost"}, want: "EgressForbidden: the registry resolves to a loopback, link-local or multicast address"},
			"its address allowed":   {host: "localhost:" + port, allow: []string{"127.0.0.1"}, want: "Pullable"},
			"another port allowed":  {host: "localhost:" + port, allow: []string{"127.0.0.1:1"}, want: local},
			"allowed by host:port":  {host: "127.0.0.1:" + port, allow: []string{"127.0.0.1:" + port}, want: "Pullable"},
		}
		for name, test := range tests {
			if plain {
				name += " in plain HTTP"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				// This client trusts no authority: containerd does not verify certificates of loopback hosts.
				client := newClient(t, registry.Options{Egress: egress.Rules{Allow: test.allow}})
				wantVerdict(t, client.Resolve(t.Context(), reference(test.host+"/shop/web:1"), anonymous()), test.want)
			})
		}
	}
}

func TestForbiddenRegistriesReceiveNoRequest(t *testing.T) {
	t.Parallel()
	const forbidden = "EgressForbidden: the registry is on the list of forbidden hosts"
	tests := map[string]struct {
		egress egress.Rules
		want   string
	}{
		"by name":                     {egress.Rules{Deny: []string{"Registry.Example.Com"}}, forbidden},
		"by wildcard":                 {egress.Rules{Deny: []string{"*"}}, forbidden},
		"by its port":                 {egress.Rules{Deny: []string{host + ":443"}}, forbidden},
		"another port":                {egress.Rules{Deny: []string{host + ":5000"}}, "Pullable"},
		"denied and allowed":          {egress.Rules{Deny: []string{"*"}, Allow: []string{host}}, "Pullable"},
		"a name on a private network": {egress.Rules{DenyPrivate: true}, "Pullable"}, // the address is not known yet
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{}, func(o *registry.Options) { o.Egress = test.egress })
			wantVerdict(t, w.resolve(web, anonymous()), test.want)
			if sent := len(w.Requests()) > 0; sent != (test.want == "Pullable") {
				t.Errorf("got requests %q with verdict %q", w.RequestSummary(), test.want)
			}
		})
	}
}

func TestDockerHubIsServedByAnotherHost(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	hub := w.add("registry-1.docker.io", testregistry.Config{})
	if _, err := hub.PushImage("library/nginx:1"); err != nil {
		t.Fatalf("pushing: %v", err)
	}
	wantVerdict(t, w.resolve("docker.io/library/nginx:1", anonymous()), "Pullable")
	wantWire(t, hub, "HEAD library/nginx:1 200")
}
