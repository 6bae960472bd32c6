package hostpattern_test

import (
	"net/netip"
	"testing"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

func TestMatchHostOfOnePattern(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pattern string
		yes     []string
		no      []string
	}{
		"name": {
			pattern: "registry.example",
			yes:     []string{"registry.example", "registry.example:443", "registry.example:5000", "REGISTRY.example", "registry.example."},
			no:      []string{"sub.registry.example", "registry.example.net", "registry-example"},
		},
		"name in capitals": {pattern: "Registry.Example", yes: []string{"registry.example"}},
		"name and port": {
			pattern: "registry.example:5000",
			yes:     []string{"registry.example:5000"},
			no:      []string{"registry.example", "registry.example:443", "registry.example:50000"},
		},
		"name and the default port": {
			pattern: "registry.example:443",
			yes:     []string{"registry.example", "registry.example:443"},
			no:      []string{"registry.example:80"},
		},
		"wildcard below": {
			pattern: "*.example",
			yes:     []string{"a.example", "a.b.example", "a.example:5000"},
			no:      []string{"example", "example.net", "aexample"},
		},
		"wildcard within":             {pattern: "*.dkr.ecr.*.amazonaws.com", yes: []string{"1.dkr.ecr.eu-north-1.amazonaws.com"}, no: []string{"ecr.amazonaws.com"}},
		"all hosts":                   {pattern: "*", yes: []string{"registry.example", "10.0.0.1:5000", "[::1]:5000"}},
		"address":                     {pattern: "10.0.0.1", yes: []string{"10.0.0.1", "10.0.0.1:5000", "[::ffff:10.0.0.1]:5000"}, no: []string{"10.0.0.2", "10.0.0.1.example"}},
		"address and port":            {pattern: "10.0.0.1:5000", yes: []string{"10.0.0.1:5000"}, no: []string{"10.0.0.1", "10.0.0.1:443"}},
		"IPv6 address":                {pattern: "2001:db8::1", yes: []string{"[2001:db8::1]", "[2001:db8:0::1]:5000"}, no: []string{"[2001:db8::2]"}},
		"IPv6 address in brackets":    {pattern: "[2001:db8::1]", yes: []string{"[2001:db8::1]:5000"}},
		"IPv6 address and port":       {pattern: "[2001:db8::1]:5000", yes: []string{"[2001:db8::1]:5000"}, no: []string{"[2001:db8::1]"}},
		"range":                       {pattern: "10.0.0.0/8", yes: []string{"10.255.0.1", "[::ffff:10.0.0.1]"}, no: []string{"11.0.0.1", "registry.example"}},
		"range of all addresses":      {pattern: "0.0.0.0/0", yes: []string{"10.0.0.1"}, no: []string{"registry.example", "[2001:db8::1]"}},
		"network of mapped addresses": {pattern: "::ffff:10.0.0.0/104", yes: []string{"10.0.0.1"}, no: []string{"11.0.0.1"}},
		"behind NAT64":                {pattern: "10.0.0.0/8", yes: []string{"[64:ff9b::a00:1]", "[64:ff9b::a00:1]:5000"}, no: []string{"[64:ff9b::b00:1]"}},
		"behind 6to4":                 {pattern: "10.0.0.0/8", yes: []string{"[2002:a00:1::1]"}, no: []string{"[2002:b00:1::1]"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := hostpattern.ParseTargets([]string{test.pattern})
			if err != nil {
				t.Fatal(err)
			}
			for _, host := range test.yes {
				if !list.MatchHost(host) {
					t.Errorf("%q does not match %q", test.pattern, host)
				}
			}
			for _, host := range test.no {
				if list.MatchHost(host) {
					t.Errorf("%q matches %q", test.pattern, host)
				}
			}
		})
	}
}

func TestMatchHostOfSeveralPatterns(t *testing.T) {
	t.Parallel()
	list, err := hostpattern.ParseHosts([]string{"a.example", "b.example:5000"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"a.example:5000": true, "b.example:5000": true, "b.example": false, "c.example": false} {
		if got := list.MatchHost(host); got != want {
			t.Errorf("MatchHost(%q) = %t, want %t", host, got, want)
		}
	}
	if hostpattern.List(nil).MatchHost("a.example") || (hostpattern.List{{}}).MatchHost("") {
		t.Error("an empty list or pattern matches")
	}
}

func TestMatchAddrComparesAddressAndPort(t *testing.T) {
	t.Parallel()
	list, err := hostpattern.ParseTargets([]string{"10.0.0.0/8", "192.0.2.1:5000", "[2001:db8::1]:443", "*"})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"10.1.2.3:80":            true,
		"[::ffff:10.1.2.3]:80":   true,
		"[64:ff9b::a01:203]:443": true,
		"11.1.2.3:80":            false,
		"192.0.2.1:5000":         true,
		"192.0.2.1:443":          false,
		"[2001:db8::1]:443":      true,
		"[2001:db8::1]:80":       false,
	} {
		if got := list.MatchAddr(netip.MustParseAddrPort(addr)); got != want {
			t.Errorf("MatchAddr(%s) = %t, want %t", addr, got, want)
		}
	}
}
