package registry

import (
	"fmt"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// rule matches hosts by name, or by address with its prefix.
type rule struct {
	name   string // with "*" wildcards; empty in a rule of addresses
	port   string // "" is every port
	prefix netip.Prefix
}

type rules []rule

func parseRule(text string) (rule, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return rule{prefix: unmapped(prefix)}, nil
	}
	name, port := splitPort(text)
	if _, err := strconv.ParseUint(port, 10, 16); err != nil && port != "" {
		return rule{}, malformed(text)
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return rule{port: port, prefix: unmapped(netip.PrefixFrom(addr, addr.BitLen()))}, nil
	}
	if _, err := path.Match(name, ""); err != nil || name == "" || strings.ContainsAny(name, "/@: ") {
		return rule{}, malformed(text)
	}
	return rule{name: strings.ToLower(name), port: port}, nil
}

func malformed(text string) error {
	return fmt.Errorf("%q is neither a host[:port], an IP address nor a CIDR range", text)
}

// unmapped returns a range of IPv4-mapped addresses as the range of IPv4 that it is.
func unmapped(prefix netip.Prefix) netip.Prefix {
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked()
}

// matchHost matches "host[:port]" as it stands in a reference or URL; without a port it means that of https.
func (rs rules) matchHost(host string) bool {
	name, port := splitPort(strings.ToLower(host))
	name = strings.TrimSuffix(name, ".")
	if port == "" {
		port = "443"
	}
	addr, _ := netip.ParseAddr(name)
	for _, r := range rs {
		if r.port != "" && r.port != port {
			continue
		}
		if ok, _ := path.Match(r.name, name); ok || r.contains(addr) {
			return true
		}
	}
	return false
}

// matchAddr matches an address that is about to be connected to.
func (rs rules) matchAddr(to netip.AddrPort) bool {
	port := strconv.Itoa(int(to.Port()))
	for _, r := range rs {
		if (r.port == "" || r.port == port) && r.contains(to.Addr()) {
			return true
		}
	}
	return false
}

func (r rule) contains(addr netip.Addr) bool {
	if !addr.IsValid() || !r.prefix.IsValid() {
		return false
	}
	return r.prefix.Contains(addr.Unmap().WithZone("")) || r.prefix.Contains(embedded(addr))
}
