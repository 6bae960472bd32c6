package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// pool holds the connections of one TLS configuration. Each level of trust has its own http.Transport, because a pooled
// connection is not checked again.
type pool struct {
	guarded *transport // checks the address when dialling
	trusted *transport // for hosts in Rules.Allow and Destination.Trusted
	proxied *transport // for hosts behind a proxy; nil without one
}

func newPool(o Options, g *guard, config *tls.Config, dialTimeout time.Duration) *pool {
	guarded, open := &net.Dialer{Timeout: dialTimeout, Control: g.control}, &net.Dialer{Timeout: dialTimeout}
	p := &pool{
		guarded: withSingle(newTransport(o, dialTimeout, dialAbsolute(guarded), config.Clone())),
		trusted: withSingle(newTransport(o, dialTimeout, dialAbsolute(open), config.Clone())),
	}
	if o.Proxy != nil {
		p.proxied = withSingle(throughProxy(newTransport(o, dialTimeout, open.DialContext, config.Clone()), o.Proxy))
	}
	return p
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialAbsolute returns a dial function that resolves names as a node does. A pod's resolver tries the cluster's search domains
// first, so that a Service named "ghcr" in a namespace "io" would answer for ghcr.io.
func dialAbsolute(d *net.Dialer) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return d.DialContext(ctx, network, absolute(address))
	}
}

// absolute adds a final dot to a name of several labels. The operator may name hosts that only the search domains complete, by a
// single label or as a Service.
func absolute(address string) string {
	name, port, err := net.SplitHostPort(address)
	if err != nil || net.ParseIP(name) != nil || strings.ContainsAny(name, ":%") ||
		!strings.Contains(name, ".") || strings.HasSuffix(name, ".") || strings.HasSuffix(name, ".svc") {
		return address
	}
	return net.JoinHostPort(name+".", port)
}

// newTransport returns a transport with a bound on everything that a peer could stretch.
func newTransport(o Options, dialTimeout time.Duration, dial dialFunc, config *tls.Config) *http.Transport {
	if o.DialContext != nil {
		dial = o.DialContext
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialTimeout)
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

func (p *pool) closeIdleConnections() {
	p.guarded.CloseIdleConnections()
	p.trusted.CloseIdleConnections()
	if p.proxied != nil {
		p.proxied.CloseIdleConnections()
	}
}

// hop sends single requests, redirected ones included. It selects the transport by the trust in the request's host.
type hop struct {
	guard *guard
	// own connects to the host, and others to all other hosts.
	host               string
	own, others        *pool
	trusted, plainHTTP Origins
}

// RoundTrip implements http.RoundTripper.
func (h *hop) RoundTrip(req *http.Request) (*http.Response, error) {
	host := Authority(req.URL.Scheme, req.URL.Host)
	switch {
	case h.guard.denies(host):
		return nil, &ForbiddenError{"the registry refers to a host on the list of forbidden hosts"}
	case req.URL.Scheme == "https", req.URL.Scheme == "http" && h.allowsPlainHTTP(req.URL):
	default:
		return nil, &ForbiddenError{"the registry refers to plain HTTP"}
	}
	trusted := h.trusted.Contain(req.URL.Scheme, req.URL.Host) || h.guard.allows(host)
	pool := h.others
	if IsSameName(req.URL.Host, h.host) {
		pool = h.own
	}
	proxied, err := h.needsProxy(req)
	switch {
	case err != nil:
		return nil, err
	case proxied:
		return h.sendThroughProxy(pool, req, trusted)
	case trusted:
		return pool.trusted.RoundTrip(req)
	}
	return pool.guarded.RoundTrip(req)
}

// allowsPlainHTTP reports whether nodes send plain HTTP to a host.
func (h *hop) allowsPlainHTTP(u *url.URL) bool {
	return h.guard.allowsPlainHTTP(Authority("http", u.Host)) || h.trusted.Contain("http", u.Host) || h.plainHTTP.Contain("http", u.Host)
}
