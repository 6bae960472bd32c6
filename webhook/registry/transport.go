package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// maxRedirects is containerd's: the tenth redirect fails (core/remotes/docker/resolver.go, request.do).
const maxRedirects = 9

var errTooManyRedirects = errors.New("too many redirects")

// trust divides hosts by what may be done to reach them. Each class has its own http.Transport, because a pooled
// connection is not checked again.
type trust uint8

const (
	untrusted trust = iota // the address is checked when dialling
	trusted                // listed in egress.allow
	loopback               // listed there, and the node's own: containerd verifies no certificate
)

// transports sends each request, redirected ones included, by the class of its host.
type transports struct {
	guard *guard
	next  [3]*http.Transport
}

func newTransports(o Options, g *guard) *transports {
	t := &transports{guard: g}
	guarded := &net.Dialer{Timeout: o.ConnectTimeout, Control: g.control}
	plain := &net.Dialer{Timeout: o.ConnectTimeout}
	t.next[untrusted] = newTransport(o, guarded, &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12})
	t.next[trusted] = newTransport(o, plain, &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12})
	t.next[loopback] = newTransport(o, plain, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	return t
}

// newTransport bounds all that a peer could stretch. There is no proxy: behind one, the guard would see the proxy's address
// only.
func newTransport(o Options, d *net.Dialer, config *tls.Config) *http.Transport {
	dial := d.DialContext
	if o.DialContext != nil {
		dial = o.DialContext
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, o.ConnectTimeout)
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

// RoundTrip implements http.RoundTripper.
func (t *transports) RoundTrip(req *http.Request) (*http.Response, error) {
	host := authority(req.URL.Scheme, req.URL.Host)
	if t.guard.denies(host) {
		return nil, &egressError{"the registry refers to a host on the list of forbidden hosts"}
	}
	if req.URL.Scheme != "https" && !t.guard.allowsPlainHTTP(host) {
		return nil, &egressError{"the registry refers to plain HTTP"}
	}
	return t.next[t.trustOf(host)].RoundTrip(req)
}

func (t *transports) trustOf(host string) trust {
	switch {
	case !t.guard.allows(host):
		return untrusted
	case isLoopbackHost(host):
		return loopback
	}
	return trusted
}

func (t *transports) closeIdleConnections() {
	for _, next := range t.next {
		next.CloseIdleConnections()
	}
}

// followRedirects is the policy for manifests. Another host never sees the credential: what it says of missing access is
// therefore no verdict (see classifyAnswer). The way back to the first host is authorized again, as containerd does it.
func followRedirects(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errTooManyRedirects
	}
	if req.URL.Host != via[0].URL.Host {
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
