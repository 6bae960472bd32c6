package registry

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// alice and the others who appear in the tests.
const (
	alicePassword = "correct horse"
	bobPassword   = "battery staple"
)

func alice() Account {
	return Account{Username: "alice", Password: alicePassword, Repositories: []string{"shop/*"}}
}

func bob() Account { return Account{Username: "bob", Password: bobPassword} }

// start starts a server that ends with the test.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(cfg)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// pushImage pushes an image and returns its digest.
func pushImage(t *testing.T, s *Server, ref string, opts ...ImageOption) string {
	t.Helper()
	digest, err := s.PushImage(ref, opts...)
	if err != nil {
		t.Fatalf("PushImage(%q): %v", ref, err)
	}
	return digest
}

// client returns a client that trusts the one server.
func client(t *testing.T, s *Server) *http.Client {
	t.Helper()
	ca := s.CA()
	if ca == nil {
		ca = newCA(t)
	}
	transport := NewNetwork(ca).Transport()
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func newCA(t *testing.T) *CA {
	t.Helper()
	ca, err := NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	return ca
}

// answer is a response that has been read to its end.
type answer struct {
	*http.Response
	body string
}

// request is what ask sends.
type request struct {
	method, path string
	body         io.Reader
	header       http.Header
	username     string
	password     string
	token        string
}

// ask sends the request to the server. It follows no redirect.
func ask(t *testing.T, s *Server, q request) answer {
	t.Helper()
	a, err := try(t, s, q)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	return a
}

// try is ask for requests that may fail.
func try(t *testing.T, s *Server, q request) (answer, error) {
	t.Helper()
	if q.method == "" {
		q.method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(t.Context(), q.method, s.URL()+q.path, q.body)
	if err != nil {
		t.Fatalf("NewRequest: %v", err)
	}
	for key, values := range q.header {
		r.Header[key] = values
	}
	if q.username != "" {
		r.SetBasicAuth(q.username, q.password)
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	resp, err := client(t, s).Transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{Response: resp, body: string(body)}, err
}

// wantStatus fails the test unless the answer has the status and, if one is given, the error code.
func (a answer) wantStatus(t *testing.T, status int, code string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("got status %d, want %d; body %q", a.StatusCode, status, a.body)
	}
	if code != "" && !strings.Contains(a.body, `"code":"`+code+`"`) {
		t.Errorf("got body %q, want code %s", a.body, code)
	}
}

// named starts a server in a network of its own, as registry.example.
func named(t *testing.T, cfg Config) (*Server, *Network) {
	t.Helper()
	cfg.CA = newCA(t)
	s := start(t, cfg)
	n := NewNetwork(cfg.CA)
	t.Cleanup(n.Close)
	if err := n.Add("registry.example", s); err != nil {
		t.Fatalf("Add: %v", err)
	}
	return s, n
}

// head asks for registry.example/ref as a client library does.
func head(t *testing.T, n *Network, ref string, account Account) (digest string, err error) {
	t.Helper()
	transport := n.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	parsed, err := name.ParseReference("registry.example/" + ref)
	if err != nil {
		t.Fatalf("ParseReference: %v", err)
	}
	auth := authn.Anonymous
	if account.Username != "" {
		auth = &authn.Basic{Username: account.Username, Password: account.Password}
	}
	desc, err := remote.Head(parsed, remote.WithTransport(transport), remote.WithAuth(auth),
		remote.WithContext(t.Context()), remote.WithRetryBackoff(remote.Backoff{Steps: 1}))
	if err != nil {
		return "", err
	}
	return desc.Digest.String(), nil
}

// fakeClock is a clock that a test moves.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// withTimeout bounds what must not hang; a test that reaches the bound has failed.
func withTimeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
