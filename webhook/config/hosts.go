package config

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

var (
	hostLabel    = regexp.MustCompile(`^[A-Za-z0-9*]([A-Za-z0-9*-]*[A-Za-z0-9*])?$`)
	addressLabel = regexp.MustCompile(`^[0-9*]+$`)
)

// targetProblem says what is wrong with a host pattern or network; empty when nothing is.
func targetProblem(target string) string {
	_, bits, found := strings.Cut(target, "/")
	if !found || strings.Trim(bits, "0123456789") != "" {
		return hostProblem(target)
	}
	network, err := netip.ParsePrefix(target)
	if err != nil {
		return `must be a network such as "10.0.0.0/8" or "fd00::/8"`
	}
	if network.Masked() != network {
		return "has bits set beyond its prefix: write " + strconv.Quote(network.Masked().String())
	}
	return ""
}

// hostProblem says what is wrong with a host pattern; empty when nothing is.
func hostProblem(pattern string) string {
	switch {
	case strings.Contains(pattern, "://"):
		return "must be a host without a scheme: remove everything up to ://"
	case strings.Contains(pattern, "/"):
		return "must be a host without a path: remove everything from the first slash"
	case isAddress(pattern):
		return ""
	}
	host, port := splitPort(pattern)
	labels := strings.Split(host, ".")
	switch {
	case !validPort(port):
		return "must have a port from 1 to 65535, or none"
	case !all(labels, hostLabel):
		return `must be a host such as "registry.example", "*.registry.example" or "10.0.0.1", with or without a port`
	case all(labels, addressLabel) && strings.ContainsAny(host, "0123456789") && !isAddress(host):
		return `looks like an IP address and is none: write one in full, or, for egress, a network such as "10.0.0.0/8"`
	}
	return ""
}

// isAddress reports whether s is an IP address, with or without a port.
func isAddress(s string) bool {
	if address, err := netip.ParseAddr(s); err == nil {
		return address.Zone() == ""
	}
	endpoint, err := netip.ParseAddrPort(s)
	if err != nil {
		endpoint, err = netip.ParseAddrPort(s + ":1")
	}
	return err == nil && endpoint.Port() > 0 && endpoint.Addr().Zone() == ""
}

// splitPort returns the port with its colon, so that an empty one is told from none.
func splitPort(pattern string) (host, port string) {
	if host, port, err := net.SplitHostPort(pattern); err == nil {
		return host, ":" + port
	}
	return pattern, ""
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	number, err := strconv.ParseUint(port[1:], 10, 16)
	return err == nil && number > 0
}

func all(labels []string, want *regexp.Regexp) bool {
	for _, label := range labels {
		if !want.MatchString(label) {
			return false
		}
	}
	return true
}
