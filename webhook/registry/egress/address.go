package egress

import (
	"net"
	"net/netip"
	"strings"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

var (
	broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	shared    = netip.MustParsePrefix("100.64.0.0/10")  // RFC 6598, between a carrier and its customers
	benchmark = netip.MustParsePrefix("198.18.0.0/15")  // RFC 2544
	localNAT  = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215, NAT64 of one network

	// Metadata services return the credentials of the machine that sends the request. Most are link-local; these are not.
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

// IsLoopback reports whether containerd takes a host for the node itself (core/remotes/docker/resolver.go, IsLocalhost).
func IsLoopback(host string) bool {
	name, _ := hostpattern.SplitPort(host)
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

// IsAmbiguous reports whether Pullgate and the nodes may resolve a host to different addresses. Nodes do not use the cluster's DNS.
// Each resolver completes a single label with its own search domains.
func IsAmbiguous(host string) bool {
	name, _ := hostpattern.SplitPort(strings.ToLower(host))
	name = strings.TrimSuffix(name, ".")
	switch {
	case net.ParseIP(name) != nil:
		return false
	case strings.HasSuffix(name, ".svc"), strings.HasSuffix(name, ".cluster.local"):
		return true
	}
	return !strings.Contains(name, ".")
}

// Authority returns a host with port 80 added if the scheme is http and the host has no port. Rules match a host without a port
// as one with port 443.
func Authority(scheme, host string) string {
	if name, port := hostpattern.SplitPort(host); scheme == "http" && port == "" {
		return net.JoinHostPort(name, "80")
	}
	return host
}
