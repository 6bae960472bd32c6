package egress

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

// Rules list the hosts that may receive requests, by patterns of hosts or, except Insecure, networks (see hostpattern). Allow
// overrides Deny. A pattern of addresses also applies to the names that resolve to them.
type Rules struct {
	// Allow lists hosts that may have any address, including loopback, and that mean the same to Pullgate and to the nodes.
	Allow []string
	// Deny lists hosts that receive no request.
	Deny []string
	// DenyPrivate forbids addresses of private networks.
	DenyPrivate bool
	// Insecure lists hosts that may receive plain HTTP if they do not support TLS.
	Insecure []string
}

// guard decides by name before dialling, and by address when dialling. An attacker's name can resolve to any address, and to
// another one the second time.
type guard struct {
	allow, deny, insecure hostpattern.List
	denyPrivate           bool
}

func newGuard(r Rules) (*guard, error) {
	g := &guard{denyPrivate: r.DenyPrivate}
	var errs [3]error
	g.allow, errs[0] = hostpattern.ParseTargets(r.Allow)
	g.deny, errs[1] = hostpattern.ParseTargets(r.Deny)
	g.insecure, errs[2] = hostpattern.ParseHosts(r.Insecure)
	for i, name := range []string{"allow", "deny", "insecureRegistries"} {
		if errs[i] != nil {
			return nil, fmt.Errorf("egress.%s%w", name, errs[i])
		}
	}
	return g, nil
}

func (g *guard) allows(host string) bool { return g.allow.MatchHost(host) }

func (g *guard) denies(host string) bool { return g.deny.MatchHost(host) && !g.allows(host) }

// allowsPlainHTTP reports whether nodes send plain HTTP to the host. containerd does so for loopback hosts.
func (g *guard) allowsPlainHTTP(host string) bool {
	return g.insecure.MatchHost(host) || IsLoopback(host)
}

// ForbiddenError reports a request that the rules forbid. Its text is Pullgate's own.
type ForbiddenError struct{ Detail string }

func (e *ForbiddenError) Error() string { return e.Detail }

// control is a net.Dialer's Control function. It receives the address after name resolution, just before connecting.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return &ForbiddenError{"the registry has an address that cannot be checked"}
	}
	return g.checkAddress(to)
}

func (g *guard) checkAddress(to netip.AddrPort) error {
	addr := hostpattern.Embedded(to.Addr())
	switch {
	case g.allow.MatchAddr(to):
		return nil
	case addr.IsLoopback(), addr.IsUnspecified(), addr.IsMulticast(), addr.IsLinkLocalUnicast(), addr == broadcast:
		return &ForbiddenError{"the registry resolves to a loopback, link-local or multicast address"}
	case isMetadata(addr):
		return &ForbiddenError{"the registry resolves to a cloud's metadata service"}
	case g.deny.MatchAddr(to):
		return &ForbiddenError{"the registry's address is on the list of forbidden hosts"}
	case g.denyPrivate && isPrivate(addr):
		return &ForbiddenError{"the registry is on a private network"}
	}
	return nil
}

// numeric matches the last label of a host that a resolver may parse as an address, such as "127.1" or "0x7f000001" (WHATWG
// URL, "ends in a number").
var numeric = regexp.MustCompile(`(^|\.)([0-9]+|0[xX][0-9a-fA-F]*)$`)

// checkName checks a host whose name a proxy resolves.
func (g *guard) checkName(host string) error {
	name, port := hostpattern.SplitPort(strings.ToLower(host))
	name = strings.TrimSuffix(name, ".")
	number, err := strconv.ParseUint(port, 10, 16)
	if port == "" {
		number, err = 443, nil
	}
	addr, notAddress := netip.ParseAddr(name)
	switch {
	case err != nil:
		return &ForbiddenError{"the registry has a port that cannot be checked"}
	case notAddress == nil:
		return g.checkAddress(netip.AddrPortFrom(addr, uint16(number)))
	case name == "localhost", strings.HasSuffix(name, ".localhost"), numeric.MatchString(name):
		return &ForbiddenError{"the registry has an address that cannot be checked"}
	}
	return nil
}
