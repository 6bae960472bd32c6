package hostpattern

import "net/netip"

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

// Embedded returns the IPv4 address in an IPv6 address: mapped, NAT64 or 6to4 (RFC 3056). NAT64 is the prefix of RFC 6052, or the
// prefix of RFC 8215 with 96 bits that end in 32 zero bits. It returns any other address unchanged, without its zone.
func Embedded(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr), localNAT64.Contains(addr) && [4]byte(b[8:12]) == [4]byte{}:
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return addr
}
