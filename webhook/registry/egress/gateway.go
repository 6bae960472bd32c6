package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// maxPools bounds the TLS configurations with connections of their own. Operators choose these configurations, in files.
const maxPools = 64

// Options configure a Gateway. Both timeouts are required.
type Options struct {
	// Rules list the hosts that may receive requests.
	Rules Rules
	// RequestTimeout bounds one exchange, redirects included, from dialling to the last byte of the body.
	RequestTimeout time.Duration
	// ConnectTimeout bounds dialling and the TLS handshake, each.
	ConnectTimeout time.Duration
	// Proxy returns the proxy for a URL, or nil for a direct request. If nil, all requests are direct.
	Proxy func(*url.URL) (*url.URL, error)
	// DialContext replaces the guarded dialler, and resolves names itself.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Instrument wraps the transport of every single request, if not nil.
	Instrument func(http.RoundTripper) http.RoundTripper
}

// Gateway sends all requests of the process to registries. It is safe for concurrent use.
type Gateway struct {
	options Options
	guard   *guard

	mu    sync.Mutex // held while a pool is made, so that each key has one pool
	pools *ttlcache.Cache[string, *pool]
}

// New returns a Gateway, or an error that names the invalid rule.
func New(o Options) (*Gateway, error) {
	g, err := newGuard(o.Rules)
	if err != nil {
		return nil, err
	}
	pools, err := ttlcache.New(ttlcache.Options[string, *pool]{
		MaxEntries: maxPools,
		OnEvict:    func(_ string, p *pool) { p.closeIdleConnections() },
	})
	if err != nil {
		return nil, fmt.Errorf("making the cache of connection pools: %w", err)
	}
	return &Gateway{options: o, guard: g, pools: pools}, nil
}

// Close closes idle connections. Requests in flight end with their contexts.
func (g *Gateway) Close() { g.pools.Clear() }

// Allows reports whether Rules.Allow lists the host.
func (g *Gateway) Allows(host string) bool { return g.guard.allows(host) }

// Denies reports whether the rules forbid requests to the host by its name.
func (g *Gateway) Denies(host string) bool { return g.guard.denies(host) }

// Destination describes the host of a Transports, and how to connect to it.
type Destination struct {
	// Host is the only host that TLS and Header are for, on any port.
	Host string
	// PoolKey identifies TLS and DialTimeout. Destinations with the same key share connections.
	PoolKey string
	// TLS returns the TLS configuration. It is called if no pool has the key.
	TLS func() (*tls.Config, error)
	// OtherPoolKey identifies OtherTLS, which is the TLS configuration for all other hosts, such as the target of a redirect.
	OtherPoolKey string
	OtherTLS     func() (*tls.Config, error)
	// DialTimeout bounds dialling.
	DialTimeout time.Duration
	// HTTPFallback allows plain HTTP after an attempt by HTTPS.
	HTTPFallback bool
	// Header holds the keys that only this host may receive. A redirect elsewhere loses them.
	Header http.Header
	// Trusted are the hosts that the operator named. Their addresses are not checked, and plain HTTP is allowed as named.
	Trusted Origins
	// PlainHTTP are further hosts that may receive plain HTTP. Their addresses are checked, and no proxy is used.
	PlainHTTP Origins
}

// Transports send the requests of one destination. Both bound the exchange by Options.RequestTimeout, body included, and follow
// redirects.
type Transports struct {
	// Content is for manifests and blobs. A redirect may lead to another host, which receives the credential only if it has the
	// same name or one below it (see RedirectionOf).
	Content http.RoundTripper
	// Token is for token services. A redirect to another host is an error.
	Token http.RoundTripper
}

// Connect returns the Transports of a destination, or the error of Destination.TLS.
func (g *Gateway) Connect(d Destination) (Transports, error) {
	own, err := g.pool(d)
	if err != nil {
		return Transports{}, err
	}
	others, err := g.pool(Destination{PoolKey: d.OtherPoolKey, TLS: d.OtherTLS, DialTimeout: g.options.ConnectTimeout})
	if err != nil {
		return Transports{}, err
	}
	h := &hop{guard: g.guard, host: d.Host, own: own, others: others, trusted: d.Trusted, plainHTTP: d.PlainHTTP}
	var t http.RoundTripper = h
	if g.options.Instrument != nil {
		t = g.options.Instrument(t)
	}
	return Transports{
		Content: &exchange{
			client:    &http.Client{Transport: t, CheckRedirect: followRedirects(d.Header)},
			timeout:   g.options.RequestTimeout,
			fallsBack: g.guard.httpFallback(d.HTTPFallback),
		},
		Token: &exchange{
			client:  &http.Client{Transport: t, CheckRedirect: stayOnHost},
			timeout: g.options.RequestTimeout,
		},
	}, nil
}

func (g *Gateway) pool(d Destination) (*pool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p, ok := g.pools.Get(d.PoolKey); ok {
		return p, nil
	}
	config, err := d.TLS()
	if err != nil {
		return nil, err
	}
	p := newPool(g.options, g.guard, config, d.DialTimeout)
	g.pools.Put(d.PoolKey, p, ttlcache.Never())
	return p, nil
}
