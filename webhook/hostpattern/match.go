package hostpattern

import (
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Pattern matches hosts by name or by address. The zero value matches none.
type Pattern struct {
	name    string // with "*" wildcards, in lower case; empty in a pattern of addresses
	port    string // "" matches every port
	network netip.Prefix
}

// List matches a host if one of its patterns does.
type List []Pattern

// MatchHost reports whether a pattern matches "host[:port]" of a reference or URL. The default port is 443.
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
		return p.matchesPort(port) && (p.matchesName(name) || p.contains(addr))
	})
}

// MatchAddr reports whether a pattern matches the address of a connection.
func (l List) MatchAddr(to netip.AddrPort) bool {
	port := strconv.Itoa(int(to.Port()))
	return slices.ContainsFunc(l, func(p Pattern) bool { return p.matchesPort(port) && p.contains(to.Addr()) })
}

// MatchesAll reports whether the pattern matches every host, as "*" does.
func (p Pattern) MatchesAll() bool { return p.name == "*" && p.port == "" }

func (p Pattern) matchesPort(port string) bool { return p.port == "" || p.port == port }

func (p Pattern) matchesName(name string) bool {
	matches, _ := path.Match(p.name, name)
	return matches && p.name != ""
}

func (p Pattern) contains(addr netip.Addr) bool {
	if !addr.IsValid() || !p.network.IsValid() {
		return false
	}
	return p.network.Contains(addr.Unmap().WithZone("")) || p.network.Contains(Embedded(addr))
}

// SplitPort splits "host[:port]". It removes the brackets of an IPv6 address.
func SplitPort(host string) (name, port string) {
	if n, p, err := net.SplitHostPort(host); err == nil {
		return n, p
	}
	return strings.Trim(host, "[]"), ""
}
