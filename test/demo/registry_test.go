package main

import (
	"net"
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	t.Parallel()
	s, _ := newTestStage(t, "")
	tests := map[string]struct {
		ref  string
		want bool
	}{
		"the public image":             {"shop/web:1.27", true},
		"the image of the outage":      {"shop/queue:3.1", true},
		"the private image":            {"vault/ledger:2.0", true},
		"the index":                    {"shop/edge:1.0", true},
		"the tag to be missed":         {"shop/web:1.72", false},
		"the repository to be missed":  {"shop/wbe:1.27", false},
		"the init container's":         {"shop/migrate:1.27", false},
		"the one that awaits refusals": {"shop/web:never-pushed", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := s.registry.Manifest(tc.ref); (err == nil) != tc.want {
				t.Errorf("manifest of %s: %v, want it there: %t", tc.ref, err, tc.want)
			}
		})
	}
}

func TestSetRegistry(t *testing.T) {
	t.Parallel()
	s, shown := newTestStage(t, "")
	for _, down := range []bool{true, false} {
		if err := s.setRegistry(down); err != nil {
			t.Fatalf("setRegistry(%t): %v", down, err)
		}
		if got := !listens(s.registry.Addr()); got != down {
			t.Errorf("after setRegistry(%t): down is %t", down, got)
		}
	}
	if want := "\n  The registry is stopped.\n\n  The registry is started again, on the same port.\n"; shown.String() != want {
		t.Errorf("shown %q, want %q", shown, want)
	}
}

func TestSetRegistryFails(t *testing.T) {
	t.Parallel()
	s, _ := newTestStage(t, "")
	s.registry.Close()
	if err := s.setRegistry(false); err == nil || !strings.Contains(err.Error(), "starting the registry again") {
		t.Errorf("setRegistry: got %v", err)
	}
}

func TestRegistryHost(t *testing.T) {
	t.Parallel()
	s, _ := newTestStage(t, "")
	_, port, err := net.SplitHostPort(s.registry.Addr())
	if err != nil {
		t.Fatalf("address: %v", err)
	}
	if got, want := s.registryHost(), "localhost:"+port; got != want {
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
