package registry_test

import (
	"net/http"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

func TestLocalRegistry(t *testing.T) {
	t.Parallel()
	plain := testregistry.Config{PlainHTTP: true}
	tests := map[string]struct {
		config testregistry.Config
		egress egress.Rules
		fault  testregistry.Fault
		ref    string // of the web image when empty
		cred   imagepull.Credential
		want   string
		wire   []string
	}{
		"in plain HTTP":     {config: plain, want: "Pullable", wire: []string{"HEAD shop/web:1 200"}},
		"over TLS":          {config: testregistry.Config{}, want: "Pullable", wire: []string{"HEAD shop/web:1 200"}},
		"with a credential": {config: withPlainHTTP(basic()), cred: alice(), want: "Pullable", wire: []string{"HEAD shop/web:1 401", "HEAD shop/web:1 alice 200"}},
		"refused": {
			config: withPlainHTTP(basic()), want: "AccessDenied: " + localPrefix + "the image is private or does not exist, and no pull secret is for it",
			wire: []string{"HEAD shop/web:1 401"},
		},
		"a missing image": {
			config: plain, ref: localName + "/shop/web:2", want: "NotFound: " + localPrefix + "tag not found",
			wire: []string{"HEAD shop/web:2 404", "GET shop/web:2 404"},
		},
		"by the runtime's own name": {config: plain, ref: "registry:5000/shop/web:1", want: "Pullable", wire: []string{"HEAD shop/web:1 200"}},
		"another loopback registry": {config: plain, ref: "localhost:5002/shop/web:1", want: unknown, wire: []string{}},
		"it fails": {
			config: plain, fault: testregistry.Fault{Status: http.StatusServiceUnavailable},
			want: "RegistryUnavailable: " + localPrefix + "the registry returned 503; transient", wire: []string{"HEAD shop/web:1 503"},
		},
		"forbidden by its address": {
			config: plain, egress: egress.Rules{Deny: []string{"kind-registry"}},
			want: "EgressForbidden: " + localPrefix + "the registry is on the list of forbidden hosts", wire: []string{},
		},
		"forbidden by its name": {
			config: plain, egress: egress.Rules{Deny: []string{"localhost"}},
			want: "EgressForbidden: " + localPrefix + "the registry is on the list of forbidden hosts", wire: []string{},
		},
		"a redirect to another host in plain HTTP": {
			config: plain, fault: testregistry.Fault{Redirect: "http://" + host},
			want: "EgressForbidden: " + localPrefix + "the registry refers to plain HTTP", wire: []string{"HEAD shop/web:1 307"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{}, withLocalRegistry, func(o *registry.Options) { o.Egress = test.egress })
			// The client does not trust this authority: a node does not verify it either.
			if ca, err := testregistry.NewCA(); err != nil {
				t.Fatal(err)
			} else {
				test.config.CA = ca
			}
			local := w.add(localAddress, test.config)
			pushTo(t, local, "shop/web:1")
			local.ResetRequests()
			if test.fault.Status != 0 || test.fault.Redirect != "" {
				local.Fault(test.fault)
			}
			if test.ref == "" {
				test.ref = localName + "/shop/web:1"
			}
			wantVerdict(t, w.resolve(test.ref, test.cred), test.want)
			wantWire(t, local, test.wire...)
		})
	}
}

// A registry that only nodes can reach is Indeterminate, and the detail names the address.
func TestUnreachableLocalRegistry(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{}, withLocalRegistry)
	v := w.resolve(localName+"/shop/web:1", anonymous())
	wantVerdict(t, v, "NodeLocalRegistry: "+localPrefix+"no such host; transient")
	if !strings.Contains(v.Fix, "hostFromClusterNetwork") {
		t.Errorf("got fix %q, want it to name the key at fault", v.Fix)
	}
	w.network.Set(localAddress, testregistry.Refused)
	wantVerdict(t, w.resolve(localName+"/shop/web:1", anonymous()), "NodeLocalRegistry: "+localPrefix+"connection refused; transient")
}

// A hosts.toml for the host overrides the cluster's declaration.
func TestHostsFilesOverrideTheLocalRegistry(t *testing.T) {
	t.Parallel()
	const file = "[host.\"http://" + replica + "\"]\n"
	tests := map[string]struct {
		files map[string]string
		want  string
		// These fields report which registry received requests.
		local, mirror bool
	}{
		"a file for the host":           {files: map[string]string{"localhost_5001_/hosts.toml": file}, want: "Pullable", mirror: true},
		"a file for all":                {files: map[string]string{"_default/hosts.toml": file}, want: "Pullable", mirror: true},
		"a server of its own":           {files: map[string]string{"localhost_5001_/hosts.toml": `server = "http://` + replica + `"`}, want: "Pullable", mirror: true},
		"a file for another":            {files: map[string]string{host + "/hosts.toml": file}, want: "Pullable", local: true},
		"an invalid file":               {files: map[string]string{"localhost_5001_/hosts.toml": "["}, want: "Pullable", local: true},
		"a file without a server":       {files: map[string]string{"localhost_5001_/hosts.toml": "skip_verify = true"}, want: "Pullable", local: true},
		"a file with a loopback server": {files: map[string]string{"localhost_5001_/hosts.toml": `server = "http://localhost:5001"`}, want: unknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := writeTree(t, "", test.files)
			w := newFixture(t, testregistry.Config{}, withLocalRegistry, func(o *registry.Options) { o.HostsDir = root })
			local, mirror := w.add(localAddress, testregistry.Config{PlainHTTP: true}), w.add(replica, testregistry.Config{PlainHTTP: true})
			for _, s := range []*testregistry.Server{local, mirror} {
				pushTo(t, s, "shop/web:1")
				s.ResetRequests()
			}
			wantVerdict(t, w.resolve(localName+"/shop/web:1", anonymous()), test.want)
			if got := len(wire(local)) > 0; got != test.local {
				t.Errorf("the local registry received requests: %v, want %v", got, test.local)
			}
			if got := len(wire(mirror)) > 0; got != test.mirror {
				t.Errorf("the mirror received requests: %v, want %v", got, test.mirror)
			}
		})
	}
}

// These tests use the real dialler: the cluster's declaration does not override the egress policy.
func TestAddressesOfTheLocalRegistry(t *testing.T) {
	t.Parallel()
	s, err := testregistry.Start(testregistry.Config{PlainHTTP: true})
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(s.Close)
	pushTo(t, s, "shop/web:1")
	_, port, _ := strings.Cut(s.Addr(), ":")
	tests := map[string]struct {
		address string
		ref     string
		egress  egress.Rules
		want    string
	}{
		"loopback":             {address: "127.0.0.1:" + port, want: "NodeLocalRegistry: local registry 127.0.0.1:" + port + ": a loopback registry is the node's own, which Pullgate cannot reach"},
		"loopback, allowed":    {address: "127.0.0.1:" + port, egress: egress.Rules{Allow: []string{"127.0.0.1"}}, want: "Pullable"},
		"link-local":           {address: "169.254.169.254:80", want: "EgressForbidden: local registry 169.254.169.254:80: the registry resolves to a loopback, link-local or multicast address"},
		"private":              {address: "10.255.255.1:5000", egress: egress.Rules{DenyPrivate: true}, want: "EgressForbidden: local registry 10.255.255.1:5000: the registry is on a private network"},
		"forbidden by network": {address: "10.255.255.1:5000", egress: egress.Rules{Deny: []string{"10.0.0.0/8"}}, want: "EgressForbidden: local registry 10.255.255.1:5000: the registry is on the list of forbidden hosts"},
		"the name is allowed, so that it means Pullgate's own loopback": {
			address: "10.255.255.1:5000", ref: "localhost:" + port + "/shop/web:1",
			egress: egress.Rules{Allow: []string{"localhost", "127.0.0.1"}}, want: "Pullable",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.ref == "" {
				test.ref = localName + "/shop/web:1"
			}
			client := newClient(t, registry.Options{
				Egress: test.egress, LocalRegistry: func(string) (string, bool) { return test.address, true },
			})
			wantVerdict(t, client.Resolve(t.Context(), reference(test.ref), anonymous()), test.want)
		})
	}
}
