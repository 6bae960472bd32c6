package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dial checks each address after name resolution, just before connecting. It resolves names as a node does: a pod's resolver
// tries the cluster's search domains first, so that a Service named "ghcr" in a namespace "io" would answer for ghcr.io.
func (p *Policy) dial(ctx context.Context, network, host string) (net.Conn, error) {
	d := net.Dialer{Control: func(network, address string, _ syscall.RawConn) error {
		return p.checkDial(host, network, address)
	}}
	return d.DialContext(ctx, network, absolute(host))
}

// checkDial checks an address of a host, "host:port", before connecting.
func (p *Policy) checkDial(host, network, address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return &ForbiddenError{"the registry has an address that cannot be checked"}
	}
	return p.checkAddress(host, to)
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

// Bounds of what a connection buffers. A registry may be hostile, and a check holds one connection.
const (
	// maxHeaderBytes bounds the header of a response. Real ones have one or two KiB; net/http would accept 10 MB.
	maxHeaderBytes = 64 << 10
	// maxStreamBytes bounds what HTTP/2 receives of a body before it is read, so that a body that waits for its place stays in the
	// network. It is the least that the protocol allows; net/http would accept 4 MiB.
	maxStreamBytes = 64 << 10
	// maxConnectionBytes is the same for all streams of a connection; net/http would accept 1 GiB.
	maxConnectionBytes = 1 << 20
)

// newHTTPTransport returns a transport with a bound on everything that a peer could stretch.
func newHTTPTransport(o Options, dialTimeout time.Duration, dial dialFunc, config *tls.Config) *http.Transport {
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
		MaxResponseHeaderBytes: maxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream:     maxStreamBytes,
			MaxReceiveBufferPerConnection: maxConnectionBytes,
		},
		DisableCompression:  true,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     90 * time.Second,
	}
}
