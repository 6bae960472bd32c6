package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// maxRedirects is containerd's: the tenth redirect fails (core/remotes/docker/resolver.go, request.do).
const maxRedirects = 9

var errTooManyRedirects = errors.New("too many redirects")

// transports are the connections of one TLS configuration. Each class of trust has its own http.Transport, because a
// pooled connection is not checked again.
type transports struct {
	guarded *http.Transport // the address is checked when dialling
	trusted *http.Transport // for hosts in egress.allow, and those that a hosts.toml names
	proxied *http.Transport // for hosts that are behind a proxy; nil without one
}

func newTransports(o Options, g *guard, config *tls.Config, connect time.Duration) *transports {
	t := &transports{
		guarded: newTransport(o, &net.Dialer{Timeout: connect, Control: g.control}, config.Clone()),
		trusted: newTransport(o, &net.Dialer{Timeout: connect}, config.Clone()),
	}
	if o.Proxy != nil {
		t.proxied = throughProxy(newTransport(o, &net.Dialer{Timeout: connect}, config.Clone()), o.Proxy)
	}
	return t
}

// newTransport bounds all that a peer could stretch.
func newTransport(o Options, d *net.Dialer, config *tls.Config) *http.Transport {
	dial := d.DialContext
	if o.DialContext != nil {
		dial = o.DialContext
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, d.Timeout)
			defer cancel()
			return dial(ctx, network, address)
		},
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    o.ConnectTimeout,
		ResponseHeaderTimeout:  o.RequestTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
	}
}

func (t *transports) closeIdleConnections() {
	t.guarded.CloseIdleConnections()
	t.trusted.CloseIdleConnections()
	if t.proxied != nil {
		t.proxied.CloseIdleConnections()
	}
}

// route sends each request of one endpoint, redirected ones included, by the trust in the host that it is for.
type route struct {
	guard      *guard
	transports *transports
	// named are the hosts in the endpoint's hosts.toml.
	named origins
	// local are those of the cluster's local registry.
	local origins
}

// RoundTrip implements http.RoundTripper.
func (r *route) RoundTrip(req *http.Request) (*http.Response, error) {
	host := authority(req.URL.Scheme, req.URL.Host)
	named := r.named.contain(req.URL.Scheme, req.URL.Host)
	switch {
	case r.guard.denies(host):
		return nil, &egressError{"the registry refers to a host on the list of forbidden hosts"}
	case req.URL.Scheme == "https", req.URL.Scheme == "http" && r.allowsPlainHTTP(req.URL):
	default:
		return nil, &egressError{"the registry refers to plain HTTP"}
	}
	trusted := named || r.guard.allows(host)
	proxied, err := r.wantsProxy(req)
	switch {
	case err != nil:
		return nil, err
	case proxied:
		return r.byProxy(req, trusted)
	case trusted:
		return r.transports.trusted.RoundTrip(req)
	}
	return r.transports.guarded.RoundTrip(req)
}

// allowsPlainHTTP reports whether the nodes would speak plain HTTP to a host.
func (r *route) allowsPlainHTTP(u *url.URL) bool {
	return r.guard.allowsPlainHTTP(authority("http", u.Host)) || r.named.contain("http", u.Host) || r.local.contain("http", u.Host)
}

// followRedirects is the policy for manifests and blobs. Another host never sees the credential, nor the header that the
// nodes have for this one: what it says of missing access is therefore no verdict (see classifyAnswer). The way back to the
// first host is authorized again, as containerd does it.
func (e *endpoint) followRedirects(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errTooManyRedirects
	}
	if req.URL.Host != via[0].URL.Host {
		for key := range e.Header {
			delete(req.Header, key)
		}
		req.Header.Del("Authorization")
	} else if authorization := via[0].Header.Get("Authorization"); authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return nil
}

// stayOnHost is the policy for tokens: a redirected POST would carry the password along.
func stayOnHost(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errTooManyRedirects
	}
	if req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return &egressError{"the token service redirects to another host"}
	}
	return nil
}
