package registry_test

import (
	"os"
	"path/filepath"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

// writeTree writes files below root and returns it. If root is empty, it is a new directory.
func writeTree(t testing.TB, root string, files map[string]string) string {
	t.Helper()
	if root == "" {
		root = t.TempDir()
	}
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatalf("making a directory: %v", err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatalf("writing: %v", err)
		}
	}
	return root
}

const mirror = "cdn.example.net"

func pushWeb(t *testing.T, s *testregistry.Server) {
	t.Helper()
	if _, err := s.PushImage("shop/web:1"); err != nil {
		t.Fatalf("pushing: %v", err)
	}
}

// replica is the mirror of these tests, and replicaHosts a hosts.toml that names it.
const (
	replica      = "mirror.corp.example"
	replicaHosts = "[host.\"https://" + replica + "\"]\n"
)

// mirrored is a fixture with a mirror for registry.example.com.
type mirrored struct {
	*fixture
	mirror *testregistry.Server
	root   string // of the certs.d tree
}

// newMirrored starts a fixture with an empty mirror.
func newMirrored(t *testing.T, hosts string, cfg testregistry.Config, change ...func(*registry.Options)) mirrored {
	t.Helper()
	root := writeTree(t, "", map[string]string{host + "/hosts.toml": hosts})
	change = append([]func(*registry.Options){func(o *registry.Options) { o.HostsDir = root }}, change...)
	w := newFixture(t, testregistry.Config{}, change...)
	return mirrored{w, w.add(replica, cfg), root}
}

// localName is the name of the local registry on the nodes, and localAddress its address for Pullgate.
const (
	localName    = "localhost:5001"
	localAddress = "kind-registry:5000"
	localPrefix  = "local registry " + localAddress + ": "
	unknown      = "NodeLocalRegistry: a loopback registry is the node's own, which Pullgate cannot reach"
)

// withLocalRegistry declares the local registry, as a cluster does.
func withLocalRegistry(o *registry.Options) {
	o.LocalRegistry = func(host string) (string, bool) {
		if host == localName || host == "registry:5000" {
			return localAddress, true
		}
		return "", false
	}
}

func pushTo(t *testing.T, s *testregistry.Server, ref string) {
	t.Helper()
	if _, err := s.PushImage(ref); err != nil {
		t.Fatalf("pushing: %v", err)
	}
}

func withPlainHTTP(c testregistry.Config) testregistry.Config {
	c.PlainHTTP = true
	return c
}
