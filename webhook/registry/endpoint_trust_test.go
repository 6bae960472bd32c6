package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

func TestCredentialsForMirrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config testregistry.Config
		cred   imagepull.Credential
		want   string
		wire   []string
	}{
		"basic": {
			config: basic(), cred: alice(), want: "Pullable",
			wire: []string{"HEAD shop/web:1 401", "HEAD shop/web:1 alice 200"},
		},
		"bearer": {
			config: bearer(), cred: alice(), want: "Pullable",
			wire: []string{"HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200"},
		},
		"basic, anonymous":  {config: basic(), cred: anonymous(), want: "Pullable", wire: []string{"HEAD shop/web:1 401"}},
		"bearer, anonymous": {config: bearer(), cred: anonymous(), want: "Pullable", wire: []string{"HEAD shop/web:1 401", "GET /token 200", "HEAD shop/web:1 token= 401"}},
		"refused": {
			config: bearer(), cred: mallory(), want: "Pullable",
			wire: []string{"HEAD shop/web:1 401", "POST /token mallory 401", "GET /token mallory 401"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts, test.config)
			pushWeb(t, m.mirror)
			wantVerdict(t, m.resolve(web, test.cred), test.want)
			wantWire(t, m.mirror, test.wire...)
		})
	}
}

// If authorization fails at a mirror and the registry lacks the image, a node reports the latter.
func TestFailedAuthorizationCountsLeast(t *testing.T) {
	t.Parallel()
	m := newMirrored(t, replicaHosts, basic())
	m.Fault(testregistry.Fault{Status: http.StatusNotFound})
	wantVerdict(t, m.resolve(web, anonymous()), "NotFound: tag not found")
}

func TestTokenServicesOfMirrors(t *testing.T) {
	t.Parallel()
	const (
		other     = "auth.elsewhere.example"
		forbidden = "EgressForbidden: mirror " + replica + ": the registry's token service may have another owner, so that it gets no credential"
	)
	tests := map[string]struct {
		service, hosts string
		egress         egress.Rules
		cred           imagepull.Credential
		want           string
	}{
		"of the mirror's domain":       {service: "auth.corp.example", hosts: replicaHosts, cred: alice(), want: "Pullable"},
		"of the registry's domain":     {service: "auth.example.com", hosts: replicaHosts, cred: alice(), want: "Pullable"},
		"of another domain":            {service: other, hosts: replicaHosts, cred: alice(), want: forbidden},
		"of another domain, anonymous": {service: other, hosts: replicaHosts, cred: anonymous(), want: "Pullable"},
		"of a host in the file": {
			service: other, hosts: replicaHosts + "[host.\"https://" + other + "\"]\ncapabilities = [\"push\"]\n", cred: alice(), want: "Pullable",
		},
		"of a host in the file, on another port": {
			service: other, hosts: replicaHosts + "[host.\"https://" + other + ":5000\"]\ncapabilities = [\"push\"]\n", cred: alice(), want: forbidden,
		},
		"of an allowed host": {service: other, hosts: replicaHosts, egress: egress.Rules{Allow: []string{other}}, cred: alice(), want: forbidden},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := publicBearer()
			cfg.Token.Realm = "https://" + test.service + "/token"
			m := newMirrored(t, test.hosts, cfg, func(o *registry.Options) { o.Egress = test.egress })
			pushWeb(t, m.mirror)
			if err := m.network.Add(test.service, m.mirror); err != nil {
				t.Fatalf("naming: %v", err)
			}
			m.Fault(testregistry.Fault{Status: http.StatusNotFound}) // so that the mirror decides
			wantVerdict(t, m.resolve(web, test.cred), test.want)
		})
	}
}

func TestEgressAndMirrors(t *testing.T) {
	t.Parallel()
	const listed = "the registry is on the list of forbidden hosts"
	absent := testregistry.Fault{Status: http.StatusNotFound}
	tests := map[string]struct {
		egress   egress.Rules
		mirror   testregistry.Fault
		upstream testregistry.Fault
		want     string
	}{
		"a forbidden mirror, and the registry has it":   {egress: egress.Rules{Deny: []string{replica}}, want: "Pullable"},
		"a forbidden mirror, and the registry lacks it": {egress: egress.Rules{Deny: []string{replica}}, upstream: absent, want: "EgressForbidden: mirror " + replica + ": " + listed},
		"a forbidden registry, and the mirror has it":   {egress: egress.Rules{Deny: []string{host}}, want: "Pullable"},
		"a forbidden registry, and the mirror lacks it": {egress: egress.Rules{Deny: []string{host}}, mirror: absent, want: "EgressForbidden: " + listed},
		"all forbidden except the mirror, which has it": {egress: egress.Rules{Deny: []string{"*"}, Allow: []string{replica}}, want: "Pullable"},
		"all forbidden": {egress: egress.Rules{Deny: []string{"*"}}, want: "EgressForbidden: mirror " + replica + ": " + listed},
		"a redirect from the mirror to plain HTTP":       {mirror: testregistry.Fault{Redirect: "http://" + host}, upstream: absent, want: "EgressForbidden: mirror " + replica + ": the registry refers to plain HTTP"},
		"a redirect from the mirror to a forbidden host": {egress: egress.Rules{Deny: []string{"x.example"}}, mirror: testregistry.Fault{Redirect: "https://x.example"}, upstream: absent, want: "EgressForbidden: mirror " + replica + ": the registry refers to a host on the list of forbidden hosts"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts, testregistry.Config{}, func(o *registry.Options) { o.Egress = test.egress })
			pushWeb(t, m.mirror)
			for server, fault := range map[*testregistry.Server]testregistry.Fault{m.mirror: test.mirror, m.Server: test.upstream} {
				if fault.Status != 0 || fault.Redirect != "" {
					server.Fault(fault)
				}
			}
			wantVerdict(t, m.resolve(web, anonymous()), test.want)
		})
	}
}

func TestDockerHubIsForbiddenByEitherName(t *testing.T) {
	t.Parallel()
	root := writeTree(t, "", map[string]string{"docker.io/hosts.toml": `server = "https://registry-1.docker.io"`})
	for _, name := range []string{"docker.io", "registry-1.docker.io"} {
		client := newClient(t, registry.Options{HostsDir: root, Egress: egress.Rules{Deny: []string{name}}})
		wantVerdict(t, client.Resolve(t.Context(), reference("docker.io/library/nginx:1"), anonymous()),
			"EgressForbidden: the registry is on the list of forbidden hosts")
	}
}

// A host that follows from the reference is not the operator's choice, even if a _default file applies to it.
func TestOnlyNamedHostsAreTrusted(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	cfg := publicBearer()
	cfg.Token.Realm = "https://" + replica + "/token"
	evil := w.add("registry.evil.example", cfg)
	pushWeb(t, evil)
	root := writeTree(t, "", map[string]string{"_default/hosts.toml": "dial_timeout = \"1m\"\n"})
	client := newClient(t, registry.Options{HostsDir: root, RootCAs: w.ca.Pool(), DialContext: w.network.DialContext})
	wantVerdict(t, client.Resolve(t.Context(), reference("registry.evil.example/shop/web:1"), alice()), foreign)
}

// These tests use the real dialler.
func TestAddressesOfMirrors(t *testing.T) {
	t.Parallel()
	const (
		local = "NodeLocalRegistry: mirror %s: a loopback registry is the node's own, which Pullgate cannot reach"
		ns    = "localhost:1"
	)
	s, err := testregistry.Start(testregistry.Config{PlainHTTP: true})
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(s.Close)
	pushWeb(t, s)
	_, port, _ := strings.Cut(s.Addr(), ":")
	tests := map[string]struct {
		server string
		egress egress.Rules
		want   string
	}{
		"loopback":                {server: "127.0.0.1:" + port, want: fmt.Sprintf(local, "127.0.0.1:"+port)},
		"loopback, by name":       {server: "localhost:" + port, want: fmt.Sprintf(local, "localhost:"+port)},
		"allowed":                 {server: "127.0.0.1:" + port, egress: egress.Rules{Allow: []string{"127.0.0.1"}}, want: "Pullable"},
		"private networks denied": {server: "[::ffff:127.0.0.1]:" + port, egress: egress.Rules{Allow: []string{"127.0.0.0/8"}, DenyPrivate: true}, want: "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := writeTree(t, "", map[string]string{"_default/hosts.toml": `server = "http://` + test.server + `"`})
			client := newClient(t, registry.Options{HostsDir: root, Egress: test.egress})
			wantVerdict(t, client.Resolve(t.Context(), reference(ns+"/shop/web:1"), anonymous()), test.want)
		})
	}
}

// A mirror on the node may have an image that the registry lacks.
func TestMirrorOnTheNode(t *testing.T) {
	t.Parallel()
	const onNode = "[host.\"http://127.0.0.1:30020\"]\n"
	m := newMirrored(t, onNode, testregistry.Config{})
	wantVerdict(t, m.resolve(web, anonymous()), "Pullable")
	wantVerdict(t, m.resolve(host+"/shop/web:2", anonymous()),
		"NodeLocalRegistry: mirror 127.0.0.1:30020: a loopback registry is the node's own, which Pullgate cannot reach")

	digest, err := m.PushIndex("shop/multi:1", imagepull.Platform{OS: "linux", Architecture: "amd64"})
	if err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	m.ResetRequests()
	wantVerdict(t, m.resolve(host+"/shop/multi:1", anonymous()), "Pullable")
	wantWire(t, m.Server, "HEAD shop/multi:1 200", "GET shop/multi:"+digest+" 200")
}
