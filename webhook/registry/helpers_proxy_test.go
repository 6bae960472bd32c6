package registry_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

// proxyPassword must not appear in a verdict.
const proxyPassword = "s3cret"

// proxy is an HTTP proxy that dials for its clients.
type proxy struct {
	*httptest.Server
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	// status is the response to every request; zero lets the proxy work.
	status int
	// garbage is sent in a tunnel in place of the registry's bytes.
	garbage string

	mu       sync.Mutex
	requests []string // "CONNECT host:443", or method, host and path in plain HTTP
	users    []string // the name and password of each request
}

func newProxy(t *testing.T, dial func(ctx context.Context, network, address string) (net.Conn, error)) *proxy {
	t.Helper()
	p := &proxy{dial: dial}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// choose returns the proxy for every URL, with a name and a password.
func (p *proxy) choose(*url.URL) (*url.URL, error) {
	u, err := url.Parse(p.URL)
	u.User = url.UserPassword("pullgate", proxyPassword)
	return u, err
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	login := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	user, password, _ := login.BasicAuth()
	p.mu.Lock()
	p.requests = append(p.requests, r.Method+" "+r.Host+r.URL.Path)
	p.users = append(p.users, user+":"+password)
	p.mu.Unlock()
	switch {
	case p.status != 0:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(p.status)
	case r.Method == http.MethodConnect:
		p.tunnel(w, r)
	default:
		p.forward(w, r)
	}
}

func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer client.Close()
	if p.garbage != "" {
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		_, _ = client.Read(make([]byte, 1))
		_, _ = io.WriteString(client, p.garbage)
		return
	}
	server, err := p.dial(r.Context(), "tcp", r.Host)
	if err != nil {
		_, _ = io.WriteString(client, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer server.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

func (p *proxy) forward(w http.ResponseWriter, r *http.Request) {
	transport := &http.Transport{DialContext: p.dial, DisableKeepAlives: true}
	r.RequestURI = ""
	r.Header.Del("Proxy-Authorization")
	resp, err := transport.RoundTrip(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for key, values := range resp.Header {
		w.Header()[key] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

func (p *proxy) wantRequests(t *testing.T, want ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if diff := cmp.Diff(want, p.requests); diff != "" {
		t.Errorf("requests to the proxy differ (-want +got):\n%s", diff)
	}
	for _, user := range p.users {
		if user != "pullgate:"+proxyPassword {
			t.Errorf("the proxy received %q", user)
		}
	}
}

// newProxied returns a fixture whose client reaches other hosts through the proxy only.
func newProxied(t *testing.T, cfg testregistry.Config, change ...func(*registry.Options)) (*fixture, *proxy) {
	t.Helper()
	p := newProxy(t, nil)
	w := newFixture(t, cfg, append([]func(*registry.Options){func(o *registry.Options) {
		p.dial = o.DialContext
		o.DialContext, o.Proxy = nil, p.choose
	}}, change...)...)
	return w, p
}
