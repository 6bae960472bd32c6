package registry

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

// Egress says which hosts may be asked, by patterns of hosts or, but for Insecure, networks (see hostpattern). Allow wins over
// Deny. Patterns of addresses hold for the names that resolve to them, too.
type Egress struct {
	// Allow lists hosts that may be reached wherever they are, loopback included, and that may serve tokens for others.
	Allow []string
	// Deny lists hosts that are never asked.
	Deny []string
	// DenyPrivate forbids addresses of private networks.
	DenyPrivate bool
	// Insecure lists hosts that may be spoken to in plain HTTP when they don't speak TLS.
	Insecure []string
}

// guard decides by name before dialling, and by address when dialling: a name under an attacker's control can resolve to
// anything, and to something else the second time.
type guard struct {
	allow, deny, insecure hostpattern.List
	denyPrivate           bool
}

func newGuard(e Egress) (*guard, error) {
	g := &guard{denyPrivate: e.DenyPrivate}
	var errs [3]error
	g.allow, errs[0] = hostpattern.ParseTargets(e.Allow)
	g.deny, errs[1] = hostpattern.ParseTargets(e.Deny)
	g.insecure, errs[2] = hostpattern.ParseHosts(e.Insecure)
	for i, name := range []string{"allow", "deny", "insecureRegistries"} {
		if errs[i] != nil {
			return nil, fmt.Errorf("egress.%s%w", name, errs[i])
		}
	}
	return g, nil
}

func (g *guard) allows(host string) bool { return g.allow.MatchHost(host) }

func (g *guard) denies(host string) bool { return g.deny.MatchHost(host) && !g.allows(host) }

// allowsPlainHTTP reports whether the nodes would speak plain HTTP to the host: containerd does so to loopback hosts.
func (g *guard) allowsPlainHTTP(host string) bool {
	return g.insecure.MatchHost(host) || isLoopbackHost(host)
}

// egressError is the guard's refusal. Its text is Pullgate's own.
type egressError struct{ detail string }

func (e *egressError) Error() string { return e.detail }

// control is a net.Dialer's: it sees the address after name resolution, just before connecting.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return &egressError{"the registry has an address that can't be checked"}
	}
	return g.checkAddress(to)
}

func (g *guard) checkAddress(to netip.AddrPort) error {
	addr := hostpattern.Embedded(to.Addr())
	switch {
	case g.allow.MatchAddr(to):
		return nil
	case addr.IsLoopback(), addr.IsUnspecified(), addr.IsMulticast(), addr.IsLinkLocalUnicast(), addr == broadcast:
		return &egressError{"the registry resolves to a loopback, link-local or multicast address"}
	case isMetadata(addr):
		return &egressError{"the registry resolves to a cloud's metadata service"}
	case g.deny.MatchAddr(to):
		return &egressError{"the registry's address is on the list of forbidden hosts"}
	case g.denyPrivate && isPrivate(addr):
		return &egressError{"the registry is on a private network"}
	}
	return nil
}
