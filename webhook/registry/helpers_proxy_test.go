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

// proxyPassword is what no verdict may hold.
const proxyPassword = "s3cret"

// proxy is an HTTP proxy that connects by itself, so that clients need to reach nothing else.
type proxy struct {
	*httptest.Server
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	// status is what it says to everything; zero makes it work.
	status int
	// babble is sent into a tunnel instead of opening it.
	babble string

	mu    sync.Mutex
	asked []string // "CONNECT host:443", or method, host and path in plain HTTP
	users []string // who showed a name and password
}

func newProxy(t *testing.T, dial func(ctx context.Context, network, address string) (net.Conn, error)) *proxy {
	t.Helper()
	p := &proxy{dial: dial}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// choose sends everything through the proxy, with a name and a password.
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
	p.asked = append(p.asked, r.Method+" "+r.Host+r.URL.Path)
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
	if p.babble != "" {
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		_, _ = client.Read(make([]byte, 1))
		_, _ = io.WriteString(client, p.babble)
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

func (p *proxy) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if diff := cmp.Diff(want, p.asked); diff != "" {
		t.Errorf("the proxy was asked (-want +got):\n%s", diff)
	}
	for _, user := range p.users {
		if user != "pullgate:"+proxyPassword {
			t.Errorf("the proxy was shown %q", user)
		}
	}
}

// behind is a world in which only the proxy reaches anything but the proxy.
func behind(t *testing.T, cfg testregistry.Config, change ...func(*registry.Options)) (*world, *proxy) {
	t.Helper()
	p := newProxy(t, nil)
	w := newWorld(t, cfg, append([]func(*registry.Options){func(o *registry.Options) {
		p.dial = o.DialContext
		o.DialContext, o.Proxy = nil, p.choose
	}}, change...)...)
	return w, p
}
