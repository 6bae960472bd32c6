package hostpattern

import (
	"errors"
	"fmt"
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

// The mistakes in a pattern, for the author of the configuration.
var (
	errScheme  = errors.New("must be a host without a scheme: remove everything up to ://")
	errPath    = errors.New("must be a host without a path: remove everything from the first slash")
	errPort    = errors.New("must have a port from 1 to 65535, or none")
	errForm    = errors.New(`must be a host such as "registry.example", "*.registry.example" or "10.0.0.1", with or without a port`)
	errAddress = errors.New(`looks like an IP address but is not one: write it in full, or, for egress, a network such as "10.0.0.0/8"`)
	errNetwork = errors.New(`must be a network such as "10.0.0.0/8" or "fd00::/8"`)
)

// ParseHost parses a host: a name with "*" wildcards or an IP address, with an optional port. The brackets of an IPv6 address
// are optional.
func ParseHost(text string) (Pattern, error) {
	switch {
	case strings.Contains(text, "://"):
		return Pattern{}, errScheme
	case strings.Contains(text, "/"):
		return Pattern{}, errPath
	}
	if p, ok := parseAddress(text); ok {
		return p, nil
	}
	host, port, hasPort := cutPort(text)
	labels := strings.Split(host, ".")
	switch {
	case hasPort && !isPort(port):
		return Pattern{}, errPort
	case !all(labels, hostLabel):
		return Pattern{}, errForm
	case all(labels, addressLabel) && strings.ContainsAny(host, "0123456789"):
		return Pattern{}, errAddress
	}
	return Pattern{name: strings.ToLower(host), port: port}, nil
}

// ParseTarget parses a host, or a network in CIDR notation.
func ParseTarget(text string) (Pattern, error) {
	_, bits, found := strings.Cut(text, "/")
	if !found || strings.Trim(bits, "0123456789") != "" {
		return ParseHost(text)
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return Pattern{}, errNetwork
	}
	if network.Masked() != network {
		return Pattern{}, fmt.Errorf("has bits set beyond its prefix: write %q", network.Masked())
	}
	return Pattern{network: unmapped(network)}, nil
}

// ParseHosts parses a list of hosts. Its error holds the index of the first invalid one.
func ParseHosts(texts []string) (List, error) { return parseAll(texts, ParseHost) }

// ParseTargets parses a list of hosts and networks. Its error holds the index of the first invalid one.
func ParseTargets(texts []string) (List, error) { return parseAll(texts, ParseTarget) }

func parseAll(texts []string, parse func(string) (Pattern, error)) (List, error) {
	var list List
	for i, text := range texts {
		p, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %q %w", i, text, err)
		}
		list = append(list, p)
	}
	return list, nil
}

// parseAddress parses an IP address with an optional port.
func parseAddress(text string) (p Pattern, ok bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		endpoint, err := netip.ParseAddrPort(text)
		if p.port = strconv.Itoa(int(endpoint.Port())); err != nil {
			p.port = ""
			endpoint, err = netip.ParseAddrPort(text + ":443") // brackets, and no port
		}
		if addr = endpoint.Addr(); err != nil || endpoint.Port() == 0 {
			return Pattern{}, false
		}
	}
	p.network = unmapped(netip.PrefixFrom(addr, addr.BitLen()))
	return p, addr.Zone() == ""
}

// unmapped returns a network of IPv4-mapped addresses as a network of IPv4 addresses.
func unmapped(network netip.Prefix) netip.Prefix {
	if addr := network.Addr(); addr.Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(addr.Unmap(), network.Bits()-96)
	}
	return network.Masked()
}

// cutPort splits a host and its port. It distinguishes an empty port from a missing one.
func cutPort(text string) (host, port string, found bool) {
	if host, port, err := net.SplitHostPort(text); err == nil {
		return host, port, true
	}
	return text, "", false
}

func isPort(text string) bool {
	number, err := strconv.ParseUint(text, 10, 16)
	return err == nil && number > 0
}

func all(labels []string, form *regexp.Regexp) bool {
	for _, label := range labels {
		if !form.MatchString(label) {
			return false
		}
	}
	return true
}
