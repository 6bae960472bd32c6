package registry

import (
	"net"
	"net/netip"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

var (
	broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	shared    = netip.MustParsePrefix("100.64.0.0/10")  // RFC 6598, between a carrier and its customers
	benchmark = netip.MustParsePrefix("198.18.0.0/15")  // RFC 2544
	localNAT  = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215, NAT64 of one network

	// Metadata services give out the credentials of the machine that asks. Most are link-local; these are not.
	amazonMetadata  = netip.MustParseAddr("fd00:ec2::254")
	googleMetadata  = netip.MustParseAddr("fd20:ce::254")
	alibabaMetadata = netip.MustParseAddr("100.100.100.200")
)

func isPrivate(addr netip.Addr) bool {
	return addr.IsPrivate() || shared.Contains(addr) || benchmark.Contains(addr) || localNAT.Contains(addr)
}

func isMetadata(addr netip.Addr) bool {
	return addr == amazonMetadata || addr == googleMetadata || addr == alibabaMetadata
}

// isLoopbackHost is containerd's notion of a host that is the node itself (core/remotes/docker/resolver.go, IsLocalhost).
func isLoopbackHost(host string) bool {
	name, _ := hostpattern.SplitPort(host)
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

// authority is a host with the port that is meant when it names none, except for that of https: rules know it.
func authority(scheme, host string) string {
	if name, port := hostpattern.SplitPort(host); scheme == "http" && port == "" {
		return net.JoinHostPort(name, "80")
	}
	return host
}
