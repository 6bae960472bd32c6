package egress

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

// Rules list the hosts that may receive requests, by patterns of hosts or, except Insecure, networks (see hostpattern). A pattern
// of addresses also applies to the names that resolve to them.
type Rules struct {
	// Allow lists hosts that mean the same to Pullgate and to the nodes. A listed name may have a private address. A loopback,
	// link-local or metadata address must be listed itself.
	Allow []string
	// Deny lists hosts that receive no request, even if Allow lists them. "*" stands for all hosts that Allow does not list.
	Deny []string
	// DenyPrivate forbids addresses of private networks.
	DenyPrivate bool
	// Insecure lists hosts that may receive plain HTTP if they do not support TLS.
	Insecure []string
	// APIServers are the hosts of the cluster's API server, "host[:port]". They receive no request unless Allow lists them.
	APIServers []string
}

// Policy decides which hosts may receive requests: by name before dialling, and by address when dialling. An attacker's name can
// resolve to any address, and to another one the second time.
type Policy struct {
	allow, deny, insecure hostpattern.List
	denyOthers            bool // Deny has "*"
	denyPrivate           bool
	apiServers            Origins
	trusted               Origins // see trusting
}

// NewPolicy returns the Policy of rules, or an error that names the invalid one.
func NewPolicy(r Rules) (*Policy, error) {
	p := &Policy{denyPrivate: r.DenyPrivate, denyOthers: slices.Contains(r.Deny, "*")}
	var errs [3]error
	p.allow, errs[0] = hostpattern.ParseTargets(r.Allow)
	p.deny, errs[1] = hostpattern.ParseTargets(r.Deny)
	p.insecure, errs[2] = hostpattern.ParseHosts(r.Insecure)
	for i, name := range []string{"allow", "deny", "insecureRegistries"} {
		if errs[i] != nil {
			return nil, fmt.Errorf("egress.%s%w", name, errs[i])
		}
	}
	p.deny = slices.DeleteFunc(p.deny, hostpattern.Pattern.MatchesAll)
	for _, host := range r.APIServers {
		p.apiServers = append(p.apiServers, OriginOf("https", host))
	}
	return p, nil
}

// trusting returns the Policy with further hosts, which are trusted as if Allow listed them.
func (p *Policy) trusting(hosts Origins) *Policy {
	made := *p
	made.trusted = hosts
	return &made
}

// Allows reports whether Rules.Allow lists the host.
func (p *Policy) Allows(host string) bool { return p.allow.MatchHost(host) }

// AllowsLocalhost reports whether a host is localhost, and Rules.Allow lists a loopback address with its port.
func (p *Policy) AllowsLocalhost(host string) bool {
	name, port := hostpattern.SplitPort(strings.ToLower(host))
	return name == "localhost" && slices.ContainsFunc([]string{"127.0.0.1", "::1"}, func(addr string) bool {
		to, err := netip.ParseAddrPort(net.JoinHostPort(addr, cmp.Or(port, "443")))
		return err == nil && p.allow.MatchAddr(to)
	})
}

// trusts reports whether the operator named a host, by its name or by its address.
func (p *Policy) trusts(host string) bool { return p.Allows(host) || p.trusted.containHost(host) }

// Denies reports whether the rules forbid requests to the host by its name.
func (p *Policy) Denies(host string) bool {
	return p.deny.MatchHost(host) || p.denyOthers && !p.Allows(host) && !p.AllowsLocalhost(host)
}

// allowsPlainHTTP reports whether nodes send plain HTTP to the host. containerd does so for loopback hosts.
func (p *Policy) allowsPlainHTTP(host string) bool {
	return p.insecure.MatchHost(host) || IsLoopback(host) || p.trusted.Contain("http", host)
}

// ForbiddenError reports a request that the rules forbid. Its text is Pullgate's own.
type ForbiddenError struct{ Detail string }

func (e *ForbiddenError) Error() string { return e.Detail }

// unreachable maps the reach of an address to the reason why no request goes there.
var unreachable = map[reach]string{
	reserved: "the registry resolves to a reserved address",
	local:    "the registry resolves to a loopback, link-local or multicast address",
	metadata: "the registry resolves to a cloud's metadata service",
}

// checkAddress checks the address of a host.
func (p *Policy) checkAddress(host string, to netip.AddrPort) error {
	reach := reachOf(to.Addr())
	detail, forbidden := unreachable[reach]
	switch {
	case p.deny.MatchAddr(to):
		return &ForbiddenError{"the registry's address is on the list of forbidden hosts"}
	case p.allow.MatchAddr(to), p.trusted.containHost(to.String()), p.AllowsLocalhost(host) && to.Addr().Unmap().IsLoopback():
		return nil
	case forbidden:
		return &ForbiddenError{detail}
	case p.isAPIServer(netip.AddrPortFrom(hostpattern.Embedded(to.Addr()), to.Port()).String()):
		return &ForbiddenError{"the registry resolves to the cluster's API server"}
	case reach == private && p.denyPrivate && !p.trusts(host):
		return &ForbiddenError{"the registry is on a private network"}
	}
	return nil
}

// isAPIServer reports whether a host is the cluster's API server, by name or by address. Other ports of its machine may serve a
// registry.
func (p *Policy) isAPIServer(host string) bool { return p.apiServers.Contain("https", host) }

// numeric matches the last label of a host that a resolver may parse as an address, such as "127.1" or "0x7f000001" (WHATWG
// URL, "ends in a number").
var numeric = regexp.MustCompile(`(^|\.)([0-9]+|0[xX][0-9a-fA-F]*)$`)

// checkName checks a host whose name a proxy resolves.
func (p *Policy) checkName(host string) error {
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
		return p.checkAddress(host, netip.AddrPortFrom(addr, uint16(number)))
	case p.AllowsLocalhost(host):
		return nil
	case name == "localhost", strings.HasSuffix(name, ".localhost"), numeric.MatchString(name):
		return &ForbiddenError{"the registry has an address that cannot be checked"}
	}
	return nil
}
