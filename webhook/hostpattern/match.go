package hostpattern

import (
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Pattern matches hosts by name, or by address. The zero value matches none.
type Pattern struct {
	name    string // with "*" wildcards, in lower case; empty in a pattern of addresses
	port    string // "" is every port
	network netip.Prefix
}

// List are patterns of which one must match.
type List []Pattern

// MatchHost matches "host[:port]" as it stands in a reference or URL; without a port it means that of https.
func (l List) MatchHost(host string) bool {
	if len(l) == 0 {
		return false
	}
	name, port := SplitPort(strings.ToLower(host))
	name = strings.TrimSuffix(name, ".")
	if port == "" {
		port = "443"
	}
	addr, _ := netip.ParseAddr(name)
	return slices.ContainsFunc(l, func(p Pattern) bool {
		return p.takes(port) && (p.isNamed(name) || p.contains(addr))
	})
}

// MatchAddr matches an address that is about to be connected to.
func (l List) MatchAddr(to netip.AddrPort) bool {
	port := strconv.Itoa(int(to.Port()))
	return slices.ContainsFunc(l, func(p Pattern) bool { return p.takes(port) && p.contains(to.Addr()) })
}

func (p Pattern) takes(port string) bool { return p.port == "" || p.port == port }

func (p Pattern) isNamed(name string) bool {
	matches, _ := path.Match(p.name, name)
	return matches && p.name != ""
}

func (p Pattern) contains(addr netip.Addr) bool {
	if !addr.IsValid() || !p.network.IsValid() {
		return false
	}
	return p.network.Contains(addr.Unmap().WithZone("")) || p.network.Contains(Embedded(addr))
}

// SplitPort divides "host[:port]" and strips an IPv6 address of its brackets.
func SplitPort(host string) (name, port string) {
	if n, p, err := net.SplitHostPort(host); err == nil {
		return n, p
	}
	return strings.Trim(host, "[]"), ""
}
