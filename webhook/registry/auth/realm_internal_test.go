package auth

import (
	"net/url"
	"testing"
)

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
			s := Session{
				client:   &Client{options: Options{Allows: func(string) bool { return false }}},
				endpoint: &Endpoint{Hosts: []string{test.registry}},
			}
			if got := s.isOwnService(&url.URL{Scheme: "https", Host: test.service}); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
