package registry_test

import (
	"fmt"
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

// alice may pull below shop; mallory is nobody's account.
func alice() imagepull.Credential {
	return imagepull.Credential{Username: "alice", Password: alicePassword, Source: "secret/shop/regcred"}
}

func mallory() imagepull.Credential {
	return imagepull.Credential{Username: "mallory", Password: "a guess", Source: "secret/shop/stale"}
}

func anonymous() imagepull.Credential { return imagepull.Credential{} }

// world is a network with one registry in it, named registry.example.com, and a client there.
type world struct {
	*testregistry.Server
	t       testing.TB
	ca      *testregistry.CA
	network *testregistry.Network
	client  *registry.Client
}

// newWorld starts a world whose registry holds the image shop/web:1.
func newWorld(t testing.TB, cfg testregistry.Config, change ...func(*registry.Options)) *world {
	t.Helper()
	ca, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("making a CA: %v", err)
	}
	w := &world{t: t, ca: ca, network: testregistry.NewNetwork(ca)}
	t.Cleanup(w.network.Close)
	w.Server = w.add(host, cfg)
	w.push("shop/web:1")
	options := registry.Options{RootCAs: ca.Pool(), DialContext: w.network.DialContext, RequestTimeout: 10 * time.Second}
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
func (w *world) add(name string, cfg testregistry.Config) *testregistry.Server {
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

func (w *world) push(ref string) (digest string) {
	w.t.Helper()
	digest, err := w.PushImage(ref)
	if err != nil {
		w.t.Fatalf("pushing %s: %v", ref, err)
	}
	return digest
}

// ask resolves "host/path:tag" or "host/path@digest".
func (w *world) ask(ref string, cred imagepull.Credential) imagepull.Verdict {
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

// brief is a verdict in one line: what the tables of this package want to see.
func brief(v imagepull.Verdict) string {
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
	if brief(got) != want {
		t.Errorf("got verdict %q, want %q", brief(got), want)
	}
}

// wire lists what a server was asked, such as "HEAD shop/web:1 401" or "HEAD shop/web:1 token=alice 200". A name in front of
// the status is that of a caller who showed a password.
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

// wantWire checks what the server was asked since the last call.
func wantWire(t *testing.T, s *testregistry.Server, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), wire(s)); diff != "" {
		t.Errorf("requests differ (-want +got):\n%s", diff)
	}
	s.ResetRequests()
}
