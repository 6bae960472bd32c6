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

// Network gives servers realistic host names. It replaces DNS and TCP for a client: an unknown name does not exist.
// It opens connections only to its servers and to loopback addresses.
type Network struct {
	ca     *CA
	closed chan struct{}

	mu    sync.Mutex
	hosts map[string]*host // by name, or by name:port
}

// host is the server or the condition behind a name.
type host struct {
	addr string // empty for a name that has a condition only
	cond Condition
	// changed is closed when the condition changes. It wakes dials that hang.
	changed chan struct{}
}

// Condition is the state of a name or of its host.
type Condition uint8

const (
	// Reachable is a host that accepts connections. It is the zero value.
	Reachable Condition = iota
	// Refused is a host on which no process listens: a dial fails immediately with ECONNREFUSED.
	Refused
	// Hanging is a host that drops packets: a dial hangs until the client's context ends, the condition changes or
	// the network is closed.
	Hanging
	// ServFail is a name whose DNS servers fail: a lookup returns a temporary DNS error.
	ServFail
)

// NewNetwork returns a network without hosts, whose clients trust the CA. The caller closes it after its clients are
// done.
func NewNetwork(ca *CA) *Network {
	return &Network{ca: ca, closed: make(chan struct{}), hosts: map[string]*host{}}
}

// Add gives the server a name, and adds the name to its certificate. A name with a port, such as
// "registry.example:5000", is valid for that port only. A name without one is valid for every port. The server's own
// CA signs the certificate, which the network's clients may not trust.
func (n *Network) Add(name string, server *Server) error {
	domain, _, err := net.SplitHostPort(name)
	if err != nil {
		domain = name
	}
	if err := server.addName(domain); err != nil {
		return fmt.Errorf("certifying %s: %w", domain, err)
	}
	n.AddAddress(name, server.Addr())
	return nil
}

// AddAddress adds a name, in the form of Add, for an address.
func (n *Network) AddAddress(name, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ensure(name).addr = addr
}

// Set changes the condition of a name. The name need not have a server. Open connections stay open.
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

// Close ends the dials that hang. An http.Transport leaves such dials behind after their requests have ended.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.closed:
	default:
		close(n.closed)
	}
}

// Transport returns a new transport that dials in the network and trusts its CA. The caller closes its idle
// connections.
func (n *Network) Transport() *http.Transport {
	return &http.Transport{
		DialContext:       n.DialContext,
		TLSClientConfig:   &tls.Config{RootCAs: n.ca.Pool(), MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
}

// DialContext connects to the server of the name, with the errors of net.Dialer: an unknown name is a *net.DNSError
// with IsNotFound. Loopback addresses are dialled directly. Other addresses are unreachable.
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

// lookup returns the host of the address, or else of the name. A name that exists with other ports only is a host on
// which no process listens at this port.
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

// hang waits for a change of the condition. It returns an error if the context or the network ends first.
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
