package registry

import (
	"net/url"
	"testing"

	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

func TestNewNamesTheBadRule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		egress Egress
		want   string
	}{
		"allow": {
			Egress{Allow: []string{"a/b"}},
			`egress.allow[0]: "a/b" must be a host without a path: remove everything from the first slash`,
		},
		"deny": {
			Egress{Deny: []string{"ghcr.io", "https://x"}},
			`egress.deny[1]: "https://x" must be a host without a scheme: remove everything up to ://`,
		},
		"insecure": {
			Egress{Insecure: []string{"a", "b", "10.0.0.0/8"}},
			`egress.insecureRegistries[2]: "10.0.0.0/8" must be a host without a path: remove everything from the first slash`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := New(Options{Egress: test.egress}); textOf(err) != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

func TestLoopbackHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1": true, "127.1.2.3:80": true, "[::1]": true, "[::1]:5000": true,
		"registry.localhost": false, "localhost.example": false, "10.0.0.1:5000": false, "registry": false,
	} {
		if got := isLoopbackHost(host); got != want {
			t.Errorf("isLoopbackHost(%q) = %t, want %t", host, got, want)
		}
	}
}

func TestAddressesHaveNoDomain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		registry, service string
		want              bool
	}{
		"the same address":                     {"192.0.2.1:5000", "192.0.2.1", true},
		"another address with the same ending": {"192.0.2.1", "198.0.2.1", false},
		"another IPv6 address":                 {"[2001:db8::1]", "[2001:db8::2]", false},
		"a name for an address":                {"192.0.2.1", "auth.example.com", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := question{client: &Client{guard: &guard{}}, endpoint: &endpoint{Host: hosts.Host{Name: test.registry}}}
			if got := q.isOwnService(&url.URL{Scheme: "https", Host: test.service}); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
