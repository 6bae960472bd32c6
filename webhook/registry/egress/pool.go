package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// maxTransports bounds the transports with connections of their own. Operators choose their number, in files.
const maxTransports = 64

// Options configure a Pool. The policy and both timeouts are required.
type Options struct {
	// Policy decides which hosts may receive requests.
	Policy *Policy
	// RequestTimeout bounds one exchange, redirects included, from dialling to the last byte of the body.
	RequestTimeout time.Duration
	// ConnectTimeout bounds dialling and the TLS handshake, each.
	ConnectTimeout time.Duration
	// Proxy returns the proxy for a URL, or nil for a direct request. If nil, all requests are direct.
	Proxy func(*url.URL) (*url.URL, error)
	// DialContext replaces the dialler that checks each address. It resolves names itself.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Instrument wraps the transport of every single request, if not nil.
	Instrument func(http.RoundTripper) http.RoundTripper
	// LogPrivate receives the cause if a host on a private network gives no response. The error of the request then does not
	// have it, so that authors of images cannot scan the network. If nil, the error has the cause.
	LogPrivate func(host, cause string)
}

// Pool holds the connections to all registries. It is safe for concurrent use.
type Pool struct {
	options Options
	// bodies is the budget of all long bodies, in bytes.
	bodies *semaphore.Weighted

	mu         sync.Mutex // held while a transport is made, so that each key has one
	transports *ttlcache.Cache[string, *transport]
}

// NewPool returns an empty Pool.
func NewPool(o Options) (*Pool, error) {
	transports, err := ttlcache.New(ttlcache.Options[string, *transport]{
		MaxEntries: maxTransports,
		OnEvict:    func(_ string, t *transport) { t.closeIdleConnections() },
	})
	if err != nil {
		return nil, fmt.Errorf("making the cache of transports: %w", err)
	}
	return &Pool{options: o, bodies: semaphore.NewWeighted(budgetBytes), transports: transports}, nil
}

// Close closes idle connections. Requests in flight end with their contexts.
func (p *Pool) Close() { p.transports.Clear() }

// TLS are the TLS settings of a host.
type TLS struct {
	// Key identifies the settings. Hosts with the same settings, DialTimeout, Trusted and PlainHTTP share connections.
	Key string
	// Config returns the configuration. It is called if no transport has these settings.
	Config func() (*tls.Config, error)
}

// TransportOptions describe how to send requests to one host of a registry.
type TransportOptions struct {
	// Host is the host, "name[:port]". TLS and Header are for this name only, on any port.
	Host string
	// TLS are the settings of the host, and OthersTLS the settings of all other hosts, such as a token service or a redirect's target.
	TLS, OthersTLS TLS
	// DialTimeout bounds dialling.
	DialTimeout time.Duration
	// HTTPFallback allows plain HTTP after an attempt by HTTPS.
	HTTPFallback bool
	// Header holds the keys that only this host may receive. A redirect elsewhere loses them.
	Header http.Header
	// Trusted are the hosts that the operator named, other than in Rules. They are trusted as if Rules.Allow listed them, and
	// plain HTTP is allowed as named.
	Trusted Origins
	// PlainHTTP are further hosts that may receive plain HTTP. They are not trusted otherwise, and no proxy is used.
	PlainHTTP Origins
}

// Transports send the requests of one host. Both bound the exchange by Options.RequestTimeout, body included, and follow
// redirects. A body of more than 32 KiB waits for a place in a budget that all bodies share, and holds it until it is closed. It
// must be complete a second after it got its place, if the timeout is the default.
type Transports struct {
	// Content is for manifests and blobs. A redirect may lead to another host, which receives the credential only if it has the
	// same name or one below it (see RedirectionOf).
	Content http.RoundTripper
	// Token is for token services. A redirect to another host is an error.
	Token http.RoundTripper
}

// Transports returns the transports of a host, or the error of one of its TLS settings.
func (p *Pool) Transports(o TransportOptions) (Transports, error) {
	own, err := p.transport(o, o.TLS)
	if err != nil {
		return Transports{}, err
	}
	others, err := p.transport(o, o.OthersTLS)
	if err != nil {
		return Transports{}, err
	}
	var t http.RoundTripper = &byHost{host: o.Host, own: own, others: others}
	if p.options.Instrument != nil {
		t = p.options.Instrument(t)
	}
	return Transports{
		Content: &exchange{
			client:    &http.Client{Transport: t, CheckRedirect: followRedirects(o.Header)},
			timeout:   p.options.RequestTimeout,
			budget:    p.bodies,
			fallsBack: p.options.Policy.httpFallback(o.HTTPFallback),
		},
		Token: &exchange{
			client:  &http.Client{Transport: t, CheckRedirect: stayOnHost},
			timeout: p.options.RequestTimeout,
			budget:  p.bodies,
		},
	}, nil
}

// transport returns the transport with these TLS settings. Trust is a part of its key, because a connection is checked only when
// it is made.
func (p *Pool) transport(o TransportOptions, settings TLS) (*transport, error) {
	key := strings.Join([]string{settings.Key, o.DialTimeout.String(), strings.Join(o.Trusted, " "), strings.Join(o.PlainHTTP, " ")}, "\n")
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.transports.Get(key); ok {
		return t, nil
	}
	config, err := settings.Config()
	if err != nil {
		return nil, err
	}
	t := newTransport(p.options, o, config)
	p.transports.Put(key, t, ttlcache.Never())
	return t, nil
}
