package registry

import (
	"net"
	"net/netip"
	"strings"
)

var (
	broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
	shared    = netip.MustParsePrefix("100.64.0.0/10")  // RFC 6598, between a carrier and its customers
	benchmark = netip.MustParsePrefix("198.18.0.0/15")  // RFC 2544
	localNAT  = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215, NAT64 of one network

	// Metadata services give out the credentials of the machine that asks. Most are link-local; these are not.
	amazonMetadata  = netip.MustParseAddr("fd00:ec2::254")
	googleMetadata  = netip.MustParseAddr("fd20:ce::254")
	alibabaMetadata = netip.MustParseAddr("100.100.100.200")
)

// embedded returns the IPv4 address that an IPv6 address stands for: mapped, NAT64 (RFC 6052) or 6to4 (RFC 3056).
func embedded(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return addr
}

func isPrivate(addr netip.Addr) bool {
	return addr.IsPrivate() || shared.Contains(addr) || benchmark.Contains(addr) || localNAT.Contains(addr)
}

func isMetadata(addr netip.Addr) bool {
	return addr == amazonMetadata || addr == googleMetadata || addr == alibabaMetadata
}

// isLoopbackHost is containerd's notion of a host that is the node itself (core/remotes/docker/resolver.go, IsLocalhost).
func isLoopbackHost(host string) bool {
	name, _ := splitPort(host)
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

// splitPort divides "host[:port]" and strips an IPv6 address of its brackets.
func splitPort(host string) (name, port string) {
	if n, p, err := net.SplitHostPort(host); err == nil {
		return n, p
	}
	return strings.Trim(host, "[]"), ""
}

// authority is a host with the port that is meant when it names none, except for that of https: rules know it.
func authority(scheme, host string) string {
	if name, port := splitPort(host); scheme == "http" && port == "" {
		return net.JoinHostPort(name, "80")
	}
	return host
}
