package registry

import (
	"net/url"
	"testing"
)

func TestHostRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule string
		yes  []string
		no   []string
	}{
		"name": {
			rule: "registry.example",
			yes:  []string{"registry.example", "registry.example:443", "registry.example:5000", "REGISTRY.example", "registry.example."},
			no:   []string{"sub.registry.example", "registry.example.net", "registry-example"},
		},
		"name in capitals": {rule: "Registry.Example", yes: []string{"registry.example"}},
		"name and port": {
			rule: "registry.example:5000",
			yes:  []string{"registry.example:5000"},
			no:   []string{"registry.example", "registry.example:443", "registry.example:50000"},
		},
		"name and the port of https": {
			rule: "registry.example:443",
			yes:  []string{"registry.example", "registry.example:443"},
			no:   []string{"registry.example:80"},
		},
		"wildcard below": {
			rule: "*.example",
			yes:  []string{"a.example", "a.b.example", "a.example:5000"},
			no:   []string{"example", "example.net", "aexample"},
		},
		"wildcard within":          {rule: "*.dkr.ecr.*.amazonaws.com", yes: []string{"1.dkr.ecr.eu-north-1.amazonaws.com"}, no: []string{"ecr.amazonaws.com"}},
		"everything":               {rule: "*", yes: []string{"registry.example", "10.0.0.1:5000", "[::1]:5000"}},
		"address":                  {rule: "10.0.0.1", yes: []string{"10.0.0.1", "10.0.0.1:5000", "[::ffff:10.0.0.1]:5000"}, no: []string{"10.0.0.2", "10.0.0.1.example"}},
		"address and port":         {rule: "10.0.0.1:5000", yes: []string{"10.0.0.1:5000"}, no: []string{"10.0.0.1", "10.0.0.1:443"}},
		"IPv6 address":             {rule: "2001:db8::1", yes: []string{"[2001:db8::1]", "[2001:db8:0::1]:5000"}, no: []string{"[2001:db8::2]"}},
		"IPv6 address in braces":   {rule: "[2001:db8::1]", yes: []string{"[2001:db8::1]:5000"}},
		"IPv6 address and port":    {rule: "[2001:db8::1]:5000", yes: []string{"[2001:db8::1]:5000"}, no: []string{"[2001:db8::1]"}},
		"range":                    {rule: "10.0.0.0/8", yes: []string{"10.255.0.1", "[::ffff:10.0.0.1]"}, no: []string{"11.0.0.1", "registry.example"}},
		"range of everything":      {rule: "0.0.0.0/0", yes: []string{"10.0.0.1"}, no: []string{"registry.example", "[2001:db8::1]"}},
		"name of a letter's class": {rule: "registry[12].example", yes: []string{"registry1.example"}, no: []string{"registry3.example"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := parseRule(test.rule)
			if err != nil {
				t.Fatalf("parseRule(%q): %v", test.rule, err)
			}
			for _, host := range test.yes {
				if !(rules{r}).matchHost(host) {
					t.Errorf("%q does not match %q", test.rule, host)
				}
			}
			for _, host := range test.no {
				if (rules{r}).matchHost(host) {
					t.Errorf("%q matches %q", test.rule, host)
				}
			}
		})
	}
}

func TestMalformedRules(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":              "",
		"space":              " ",
		"URL":                "https://registry.example",
		"URL with a path":    "https://registry.example/v2",
		"repository":         "registry.example/shop",
		"user":               "robot@registry.example",
		"port out of range":  "registry.example:65536",
		"port by name":       "registry.example:https",
		"range out of range": "10.0.0.0/33",
		"half an address":    "2001:db8",
		"open class":         "registry[.example",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r, err := parseRule(text); err == nil {
				t.Errorf("parseRule(%q) = %+v, want an error", text, r)
			}
		})
	}
}

func TestNewNamesTheBadRule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		egress Egress
		want   string
	}{
		"allow": {
			Egress{Allow: []string{"a/b"}},
			`egress.allow[0]: "a/b" is neither a host[:port], an IP address nor a CIDR range`,
		},
		"deny": {
			Egress{Deny: []string{"ghcr.io", "https://x"}},
			`egress.deny[1]: "https://x" is neither a host[:port], an IP address nor a CIDR range`,
		},
		"insecure": {
			Egress{Insecure: []string{"a", "b", ""}},
			`egress.insecureRegistries[2]: "" is neither a host[:port], an IP address nor a CIDR range`,
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
			q := question{client: &Client{guard: &guard{}}, endpoint: &endpoint{Host: Host{Name: test.registry}}}
			if got := q.isOwnService(&url.URL{Scheme: "https", Host: test.service}); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
