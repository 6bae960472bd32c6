package egress

import (
	"net"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

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

// Origins is a list of "scheme://host:port".
type Origins []string

// OriginOf returns the origin of a host, with the scheme's port if the host has none.
func OriginOf(scheme, host string) string {
	name, port := hostpattern.SplitPort(strings.ToLower(host))
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(name, port)
}

// Contain reports whether the list has the origin of a host.
func (o Origins) Contain(scheme, host string) bool { return slices.Contains(o, OriginOf(scheme, host)) }

// containHost reports whether the list has a host, "host[:port]", with any scheme.
func (o Origins) containHost(host string) bool {
	return o.Contain("https", host) || o.Contain("http", host)
}
