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

// nodesOwn is the registry's name on the nodes, and atLocal where Pullgate can ask it.
const (
	nodesOwn = "localhost:5001"
	atLocal  = "kind-registry:5000"
	toLocal  = "local registry " + atLocal + ": "
	unknown  = "NodeLocalRegistry: a loopback registry is the node's own, which Pullgate cannot reach"
)

// described tells where the local registry is, as a cluster would.
func described(o *registry.Options) {
	o.LocalRegistry = func(host string) (string, bool) {
		if host == nodesOwn || host == "registry:5000" {
			return atLocal, true
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
			config: withPlainHTTP(basic()), want: "AccessDenied: " + toLocal + "the image is private or does not exist, and no pull secret is for it",
			wire: []string{"HEAD shop/web:1 401"},
		},
		"not there": {
			config: plain, ref: nodesOwn + "/shop/web:2", want: "NotFound: " + toLocal + "tag not found",
			wire: []string{"HEAD shop/web:2 404", "GET shop/web:2 404"},
		},
		"by the runtime's own name": {config: plain, ref: "registry:5000/shop/web:1", want: "Pullable", wire: []string{"HEAD shop/web:1 200"}},
		"another loopback registry": {config: plain, ref: "localhost:5002/shop/web:1", want: unknown, wire: []string{}},
		"it is ill": {
			config: plain, fault: testregistry.Fault{Status: http.StatusServiceUnavailable},
			want: "RegistryUnavailable: " + toLocal + "the registry answered 503; transient", wire: []string{"HEAD shop/web:1 503"},
		},
		"forbidden by its address": {
			config: plain, egress: egress.Rules{Deny: []string{"kind-registry"}},
			want: "EgressForbidden: " + toLocal + "the registry is on the list of forbidden hosts", wire: []string{},
		},
		"forbidden by its name": {
			config: plain, egress: egress.Rules{Deny: []string{"localhost"}},
			want: "EgressForbidden: " + toLocal + "the registry is on the list of forbidden hosts", wire: []string{},
		},
		"a redirect to somewhere else in plain HTTP": {
			config: plain, fault: testregistry.Fault{Redirect: "http://" + host},
			want: "EgressForbidden: " + toLocal + "the registry refers to plain HTTP", wire: []string{"HEAD shop/web:1 307"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, testregistry.Config{}, described, func(o *registry.Options) { o.Egress = test.egress })
			// An authority that nobody knows: a node does not verify it either.
			if ca, err := testregistry.NewCA(); err != nil {
				t.Fatal(err)
			} else {
				test.config.CA = ca
			}
			local := w.add(atLocal, test.config)
			pushTo(t, local, "shop/web:1")
			local.ResetRequests()
			if test.fault.Status != 0 || test.fault.Redirect != "" {
				local.Fault(test.fault)
			}
			if test.ref == "" {
				test.ref = nodesOwn + "/shop/web:1"
			}
			wantVerdict(t, w.ask(test.ref, test.cred), test.want)
			wantWire(t, local, test.wire...)
		})
	}
}

func withPlainHTTP(c testregistry.Config) testregistry.Config {
	c.PlainHTTP = true
	return c
}

// A registry that only the nodes can reach stays a doubt, which says where it was looked for.
func TestLocalRegistryOutOfReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testregistry.Config{}, described)
	v := w.ask(nodesOwn+"/shop/web:1", anonymous())
	wantVerdict(t, v, "NodeLocalRegistry: "+toLocal+"no such host; transient")
	if !strings.Contains(v.Fix, "hostFromClusterNetwork") {
		t.Errorf("got fix %q, want it to name the key at fault", v.Fix)
	}
	w.network.Set(atLocal, testregistry.Refused)
	wantVerdict(t, w.ask(nodesOwn+"/shop/web:1", anonymous()), "NodeLocalRegistry: "+toLocal+"connection refused; transient")
}

// The nodes' files say what nodes do; the cluster's word counts where they say nothing of the host.
func TestLocalRegistryAndTheNodesFiles(t *testing.T) {
	t.Parallel()
	const file = "[host.\"http://" + replica + "\"]\n"
	tests := map[string]struct {
		files map[string]string
		want  string
		// asked tells which of the two is.
		local, mirror bool
	}{
		"a file for the host":      {files: map[string]string{"localhost_5001_/hosts.toml": file}, want: "Pullable", mirror: true},
		"a file for all":           {files: map[string]string{"_default/hosts.toml": file}, want: "Pullable", mirror: true},
		"a server of its own":      {files: map[string]string{"localhost_5001_/hosts.toml": `server = "http://` + replica + `"`}, want: "Pullable", mirror: true},
		"a file for another":       {files: map[string]string{host + "/hosts.toml": file}, want: "Pullable", local: true},
		"a file that is no TOML":   {files: map[string]string{"localhost_5001_/hosts.toml": "["}, want: "Pullable", local: true},
		"a file that names none":   {files: map[string]string{"localhost_5001_/hosts.toml": "skip_verify = true"}, want: "Pullable", local: true},
		"its server is the node's": {files: map[string]string{"localhost_5001_/hosts.toml": `server = "http://localhost:5001"`}, want: unknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := plant(t, "", test.files)
			w := newWorld(t, testregistry.Config{}, described, func(o *registry.Options) { o.HostsDir = root })
			local, mirror := w.add(atLocal, testregistry.Config{PlainHTTP: true}), w.add(replica, testregistry.Config{PlainHTTP: true})
			for _, s := range []*testregistry.Server{local, mirror} {
				pushTo(t, s, "shop/web:1")
				s.ResetRequests()
			}
			wantVerdict(t, w.ask(nodesOwn+"/shop/web:1", anonymous()), test.want)
			if got := len(wire(local)) > 0; got != test.local {
				t.Errorf("the local registry was asked: %v, want %v", got, test.local)
			}
			if got := len(wire(mirror)) > 0; got != test.mirror {
				t.Errorf("the mirror was asked: %v, want %v", got, test.mirror)
			}
		})
	}
}

// The real dialler stands behind these: the cluster's word does not open what the guard closes.
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
		"the machine's data":   {address: "169.254.169.254:80", want: "EgressForbidden: local registry 169.254.169.254:80: the registry resolves to a loopback, link-local or multicast address"},
		"private":              {address: "10.255.255.1:5000", egress: egress.Rules{DenyPrivate: true}, want: "EgressForbidden: local registry 10.255.255.1:5000: the registry is on a private network"},
		"forbidden by network": {address: "10.255.255.1:5000", egress: egress.Rules{Deny: []string{"10.0.0.0/8"}}, want: "EgressForbidden: local registry 10.255.255.1:5000: the registry is on the list of forbidden hosts"},
		"the name is allowed, so that it is Pullgate's own": {
			address: "10.255.255.1:5000", ref: "localhost:" + port + "/shop/web:1",
			egress: egress.Rules{Allow: []string{"localhost", "127.0.0.1"}}, want: "Pullable",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.ref == "" {
				test.ref = nodesOwn + "/shop/web:1"
			}
			client := newClient(t, registry.Options{
				Egress: test.egress, LocalRegistry: func(string) (string, bool) { return test.address, true },
			})
			wantVerdict(t, client.Resolve(t.Context(), reference(test.ref), anonymous()), test.want)
		})
	}
}
