package registry

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
)

// Network gives servers real-looking names. It stands for name service and connections as a client sees them: what it
// does not know does not exist. It opens no connection but to its servers and to loopback addresses.
type Network struct {
	ca     *CA
	closed chan struct{}

	mu    sync.Mutex
	hosts map[string]*host // by name, or by name:port
}

// host is what answers under a name.
type host struct {
	addr string // empty for a name that was only given a condition
	cond Condition
	// changed is closed when the condition changes, for those who hang in it.
	changed chan struct{}
}

// Condition is how a name, or the host behind it, is doing.
type Condition uint8

const (
	// Reachable is a host that answers. It is the zero value.
	Reachable Condition = iota
	// Refused is a host on which nothing listens: connecting fails at once with ECONNREFUSED.
	Refused
	// Hanging is a host that swallows packets: connecting lasts until the client's context, the condition or the
	// network ends.
	Hanging
	// ServFail is a name whose servers fail: resolving it ends in a temporary DNS error.
	ServFail
)

// NewNetwork makes a network without any host whose clients trust the CA. Close it when its clients are done.
func NewNetwork(ca *CA) *Network {
	return &Network{ca: ca, closed: make(chan struct{}), hosts: map[string]*host{}}
}

// Add gives the server a name, or another one, and makes its certificate valid for it. With a port, such as
// "registry.example:5000", the name has that port only; without, the server answers on every port.
// The certificate stays one of the server's own CA, which the network's clients need not trust.
func (n *Network) Add(name string, server *Server) error {
	domain, _, err := net.SplitHostPort(name)
	if err != nil {
		domain = name
	}
	if err := server.addName(domain); err != nil {
		return fmt.Errorf("certifying %s: %w", domain, err)
	}
	n.Lead(name, server.Addr())
	return nil
}

// Lead gives a name, in the form of Add, to whatever listens on an address.
func (n *Network) Lead(name, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ensure(name).addr = addr
}

// Set changes the condition of a name, which need not have a server. It does not touch open connections.
func (n *Network) Set(name string, condition Condition) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.ensure(name)
	h.cond = condition
	close(h.changed)
	h.changed = make(chan struct{})
}

func (n *Network) ensure(name string) *host {
	h, ok := n.hosts[name]
	if !ok {
		h = &host{changed: make(chan struct{})}
		n.hosts[name] = h
	}
	return h
}

// Close ends the attempts to connect that hang. An http.Transport leaves such behind when their requests are long gone.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.closed:
	default:
		close(n.closed)
	}
}

// Transport returns a new transport that dials in the network and trusts its CA. The caller closes its idle connections.
func (n *Network) Transport() *http.Transport {
	return &http.Transport{
		DialContext:       n.DialContext,
		TLSClientConfig:   &tls.Config{RootCAs: n.ca.Pool(), MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
}

// DialContext connects to the server of that name, failing as net.Dialer does: a name that nobody has is a
// *net.DNSError with IsNotFound. Loopback addresses are dialled as they are; other addresses are unreachable.
func (n *Network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, dialError(network, err)
	}
	if ip := net.ParseIP(name); ip != nil {
		return dialIP(ctx, network, ip, addr)
	}
	for {
		h, known := n.lookup(name, addr)
		switch {
		case !known:
			return nil, dialError(network, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true})
		case h.cond == ServFail:
			return nil, dialError(network, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true})
		case h.cond == Hanging:
			if err := n.hang(ctx, h.changed); err != nil {
				return nil, dialError(network, err)
			}
		case h.cond == Refused || h.addr == "":
			return nil, dialError(network, os.NewSyscallError("connect", syscall.ECONNREFUSED))
		default:
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, h.addr)
		}
	}
}

// lookup returns the host of the address, or else that of the name. A name that is there with other ports only is a
// host on which nothing listens here.
func (n *Network) lookup(name, addr string) (h host, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, key := range []string{addr, name} {
		if h, ok := n.hosts[key]; ok {
			return *h, true
		}
	}
	for key := range n.hosts {
		if strings.HasPrefix(key, name+":") {
			return host{cond: Refused}, true
		}
	}
	return host{}, false
}

// hang returns an error unless the condition changed.
func (n *Network) hang(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-n.closed:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func dialIP(ctx context.Context, network string, ip net.IP, addr string) (net.Conn, error) {
	if !ip.IsLoopback() {
		return nil, dialError(network, os.NewSyscallError("connect", syscall.ENETUNREACH))
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, addr)
}

func dialError(network string, err error) error {
	return &net.OpError{Op: "dial", Net: network, Err: err}
}
