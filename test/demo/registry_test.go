package main

import (
	"net"
	"strings"
	"testing"
)

func TestPushPushesTheExistingImagesOnly(t *testing.T) {
	t.Parallel()
	d, _ := newTestDemo(t, "")
	tests := map[string]struct {
		ref  string
		want bool
	}{
		"the public image":              {"shop/web:1.27", true},
		"the image during the outage":   {"shop/queue:3.1", true},
		"the private image":             {"vault/ledger:2.0", true},
		"the index":                     {"shop/edge:1.0", true},
		"the missing tag":               {"shop/web:1.72", false},
		"the missing repository":        {"shop/wbe:1.27", false},
		"the init container's image":    {"shop/migrate:1.27", false},
		"the image of the first denial": {"shop/web:never-pushed", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := d.registry.Manifest(tc.ref); (err == nil) != tc.want {
				t.Errorf("manifest of %s: %v, want it to exist: %t", tc.ref, err, tc.want)
			}
		})
	}
}

func TestSetRegistryStopsAndRestarts(t *testing.T) {
	t.Parallel()
	d, printed := newTestDemo(t, "")
	for _, down := range []bool{true, false} {
		if err := d.setRegistry(down); err != nil {
			t.Fatalf("setRegistry(%t): %v", down, err)
		}
		if got := !listens(d.registry.Addr()); got != down {
			t.Errorf("after setRegistry(%t): down is %t", down, got)
		}
	}
	if want := "\n  The registry is stopped.\n\n  The registry is started again, on the same port.\n"; printed.String() != want {
		t.Errorf("printed %q, want %q", printed, want)
	}
}

func TestSetRegistryFails(t *testing.T) {
	t.Parallel()
	d, _ := newTestDemo(t, "")
	d.registry.Close()
	if err := d.setRegistry(false); err == nil || !strings.Contains(err.Error(), "starting the registry again") {
		t.Errorf("setRegistry: got %v", err)
	}
}

func TestRegistryHostIsLocalhost(t *testing.T) {
	t.Parallel()
	d, _ := newTestDemo(t, "")
	_, port, err := net.SplitHostPort(d.registry.Addr())
	if err != nil {
		t.Fatalf("address: %v", err)
	}
	if got, want := d.registryHost(), "localhost:"+port; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func listens(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
