package egress

import "testing"

func TestLoopbackHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1": true, "127.1.2.3:80": true, "[::1]": true, "[::1]:5000": true,
		"registry.localhost": false, "localhost.example": false, "10.0.0.1:5000": false, "registry": false,
	} {
		if got := IsLoopback(host); got != want {
			t.Errorf("IsLoopback(%q) = %t, want %t", host, got, want)
		}
	}
}

func TestAmbiguousHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"registry": true, "registry:5000": true, "Registry": true, "registry.": true,
		"registry.shop.svc": true, "registry.shop.svc:5000": true, "registry.shop.svc.cluster.local:5443": true,
		"registry.shop.svc.cluster.local.": true, "10-0-0-1.shop.pod.cluster.local": true,
		"ghcr.io": false, "registry.example.com:5000": false, "registry.svc.ci.example.org": false, "svc.example": false,
		"10.0.0.1": false, "10.0.0.1:5000": false, "[fd00::1]": false, "[fd00::1]:5000": false,
	} {
		if got := IsAmbiguous(host); got != want {
			t.Errorf("IsAmbiguous(%q) = %t, want %t", host, got, want)
		}
	}
}
