package registry_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alicePassword = "correct horse"
	host          = "registry.example.com"
	web           = host + "/shop/web:1"
)

func account() testregistry.Account {
	return testregistry.Account{Username: "alice", Password: alicePassword, Repositories: []string{"shop/*"}}
}

// alice may pull below shop; mallory has no account.
func alice() imagepull.Credential {
	return imagepull.Credential{Username: "alice", Password: alicePassword, Source: "secret/shop/regcred"}
}

func mallory() imagepull.Credential {
	return imagepull.Credential{Username: "mallory", Password: "a guess", Source: "secret/shop/stale"}
}

func anonymous() imagepull.Credential { return imagepull.Credential{} }

// fixture is a network with one registry, registry.example.com, and a client.
type fixture struct {
	*testregistry.Server
	t       testing.TB
	ca      *testregistry.CA
	network *testregistry.Network
	client  *registry.Client
}

// newFixture starts a fixture whose registry holds the image shop/web:1.
func newFixture(t testing.TB, cfg testregistry.Config, change ...func(*registry.Options)) *fixture {
	t.Helper()
	ca, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("making a CA: %v", err)
	}
	w := &fixture{t: t, ca: ca, network: testregistry.NewNetwork(ca)}
	t.Cleanup(w.network.Close)
	w.Server = w.add(host, cfg)
	w.push("shop/web:1")
	options := registry.Options{RootCAs: ca.Pool(), DialContext: w.network.DialContext}
	options.RequestTimeout, options.ConnectTimeout = 10*time.Second, 10*time.Second // for a slow machine
	for _, f := range change {
		f(&options)
	}
	w.client = newClient(t, options)
	return w
}

func newClient(t testing.TB, options registry.Options) *registry.Client {
	t.Helper()
	client, err := registry.New(options)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(client.Close)
	return client
}

// add starts one more server in the network.
func (w *fixture) add(name string, cfg testregistry.Config) *testregistry.Server {
	w.t.Helper()
	if cfg.CA == nil {
		cfg.CA = w.ca
	}
	s, err := testregistry.Start(cfg)
	if err != nil {
		w.t.Fatalf("starting %s: %v", name, err)
	}
	w.t.Cleanup(s.Close)
	if err := w.network.Add(name, s); err != nil {
		w.t.Fatalf("naming %s: %v", name, err)
	}
	return s
}

func (w *fixture) push(ref string) (digest string) {
	w.t.Helper()
	digest, err := w.PushImage(ref)
	if err != nil {
		w.t.Fatalf("pushing %s: %v", ref, err)
	}
	return digest
}

// resolve resolves "host/path:tag" or "host/path@digest".
func (w *fixture) resolve(ref string, cred imagepull.Credential) imagepull.Verdict {
	w.t.Helper()
	return w.client.Resolve(w.t.Context(), reference(ref), cred)
}

func reference(text string) imagepull.Reference {
	domain, path, _ := strings.Cut(text, "/")
	if path, digest, ok := strings.Cut(path, "@"); ok {
		return imagepull.Reference{Domain: domain, Path: path, Digest: digest}
	}
	i := strings.LastIndex(path, ":")
	return imagepull.Reference{Domain: domain, Path: path[:i], Tag: path[i+1:]}
}

// summary returns the tested fields of a verdict in one line.
func summary(v imagepull.Verdict) string {
	line := string(v.Reason)
	if v.Detail != "" {
		line += ": " + v.Detail
	}
	if v.Transient {
		line += "; transient"
	}
	if v.RetryAfter != 0 {
		line += fmt.Sprintf("; retry after %v", v.RetryAfter)
	}
	return line
}

func wantVerdict(t testing.TB, got imagepull.Verdict, want string) {
	t.Helper()
	if summary(got) != want {
		t.Errorf("got verdict %q, want %q", summary(got), want)
	}
}

// wire returns the requests that a server received, such as "HEAD shop/web:1 401" or "HEAD shop/web:1 token=alice 200". A name
// before the status means that the request carried that user's password.
func wire(s *testregistry.Server) []string {
	lines := []string{}
	for _, r := range s.Requests() {
		line := r.Method + " " + strings.Replace(strings.TrimPrefix(r.Path, "/v2/"), "/manifests/", ":", 1)
		switch {
		case r.Token:
			line += " token=" + r.User
		case r.User != "":
			line += " " + r.User
		}
		lines = append(lines, fmt.Sprintf("%s %d", line, r.Status))
	}
	return lines
}

// wantWire checks the requests since the last call.
func wantWire(t *testing.T, s *testregistry.Server, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), wire(s)); diff != "" {
		t.Errorf("requests differ (-want +got):\n%s", diff)
	}
	s.ResetRequests()
}

func bearer() testregistry.Config {
	return testregistry.Config{Auth: testregistry.AuthBearer, Accounts: []testregistry.Account{account()}}
}

func basic() testregistry.Config {
	return testregistry.Config{Auth: testregistry.AuthBasic, Accounts: []testregistry.Account{account()}}
}

// publicBearer returns a registry that challenges every request and accepts an anonymous token.
func publicBearer() testregistry.Config {
	cfg := bearer()
	cfg.Public, cfg.ChallengePublic = []string{"*"}, true
	return cfg
}

const (
	refused       = "AccessDenied: the credential from secret/shop/regcred is refused"
	stale         = "AccessDenied: the credential from secret/shop/stale is refused"
	private       = "AccessDenied: the image is private or does not exist, and no pull secret is for it"
	withheld404   = "RegistryUnavailable: the registry redirects to another host, which returned 404 without the credential"
	ambiguousName = "NodeLocalRegistry: the registry's name has a meaning only inside the cluster or on the node"
	noToken       = "RegistryUnavailable: the token service returned no token; transient"
)

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"

	notAManifest  = "UnsupportedImage: the registry's response is not a manifest by its content type"
	oldSchema     = "UnsupportedImage: the image has the old schema 1 format"
	invalidDigest = "UnsupportedImage: the registry returned an invalid digest for the manifest"
	tooLarge      = "UnsupportedImage: the manifest is larger than the nodes' runtime accepts"
	noSize        = "UnsupportedImage: the registry returned no size for the manifest"
)

// absentDigest is the digest of no content.
var absentDigest = "sha256:" + strings.Repeat("0", 64)

// dialTo returns a dialler that connects every name to one address.
func dialTo(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}
}

// roundTripFunc hides the other methods of a transport, as instrumentation does.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
