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

// Passwords of the accounts in the tests.
const (
	alicePassword = "correct horse"
	bobPassword   = "battery staple"
)

func alice() Account {
	return Account{Username: "alice", Password: alicePassword, Repositories: []string{"shop/*"}}
}

func bob() Account { return Account{Username: "bob", Password: bobPassword} }

// start starts a server that is closed at the end of the test.
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

// client returns a client that trusts the CA of this server only.
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

// response is a response with its whole body.
type response struct {
	*http.Response
	body string
}

// request describes a request for send.
type request struct {
	method, path string
	body         io.Reader
	header       http.Header
	username     string
	password     string
	token        string
}

// send sends the request to the server. It does not follow redirects.
func send(t *testing.T, s *Server, q request) response {
	t.Helper()
	resp, err := trySend(t, s, q)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	return resp
}

// trySend is like send, for requests that may fail.
func trySend(t *testing.T, s *Server, q request) (response, error) {
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
		return response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return response{Response: resp, body: string(body)}, err
}

// wantStatus fails the test unless the response has the status and the error code, if a code is given.
func (r response) wantStatus(t *testing.T, status int, code string) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("got status %d, want %d; body %q", r.StatusCode, status, r.body)
	}
	if code != "" && !strings.Contains(r.body, `"code":"`+code+`"`) {
		t.Errorf("got body %q, want code %s", r.body, code)
	}
}

// startNamed starts a server as registry.example in a network of its own.
func startNamed(t *testing.T, cfg Config) (*Server, *Network) {
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

// head sends a HEAD request for registry.example/ref with a client library.
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

// fakeClock is a clock that the test advances.
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

// withTimeout returns a context for calls that must not hang. A test that reaches its timeout fails.
func withTimeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
