package egress

import (
	"net/netip"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

// reach describes the network of an address. The zero value is an address that no registry can have.
type reach uint8

const (
	reserved reach = iota
	public
	private
	local
	metadata
)

// ranges lists what may be reached, and its exceptions. The longest prefix decides; an address without one is reserved. The
// exceptions are from the IANA registries of special-purpose addresses (RFC 6890) and from the documents that each line names.
var ranges = parseRanges(map[reach][]string{
	public: {
		"0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3", // unicast: classes A, B and C
		"2000::/3", // global unicast, RFC 4291
	},
	private: {
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // RFC 1918
		"100.64.0.0/10", // RFC 6598, between a carrier and its customers; some clusters use it for nodes and pods
		"198.18.0.0/15", // RFC 2544, for benchmarks; used as a private network
		"fc00::/7",      // RFC 4193
	},
	local: {
		"127.0.0.0/8", "::1/128", "::/128", "0.0.0.0/32", // this machine; connecting to an unspecified address reaches loopback
		"169.254.0.0/16", "fe80::/10", // link-local. Most metadata services are here, and agents that give credentials to pods
		"224.0.0.0/4", "ff00::/8", "255.255.255.255/32", // multicast and broadcast
	},
	// Metadata services return the credentials of the machine that sends the request. The link-local ones are in local.
	metadata: {
		"100.100.100.200/32",     // Alibaba Cloud: Manage ECS instance metadata
		"fd00:100::100:200/128",  // Alibaba Cloud by IPv6.
		"168.63.129.16/32",       // Azure: What is IP address 168.63.129.16 (WireServer)
		"192.0.0.192/32",         // Oracle Cloud Classic: Retrieving instance metadata.
		"fd00:c1::a9fe:a9fe/128", // Oracle Cloud (oci-python-sdk: instance_principals_security_token_signer.py)
		"fd00:ec2::/32",          // Amazon: metadata, EKS Pod Identity, DNS and time (IPv6 on AWS: supporting VPC services).
		"fd20:ce::254/128",       // Google Cloud: metadata server of IPv6-only instances
		"fd00:a9fe:a9fe::1/128",  // Akamai (cloud-init: datasources/akamai.rst)
		"fd00:42::42/128",        // Scaleway (cloud-init: datasources/scaleway.rst)
	},
	reserved: {
		"0.0.0.0/8",       // RFC 1122, this network
		"192.0.0.0/24",    // RFC 6890, protocols of the IETF
		"192.0.2.0/24",    // RFC 5737, documentation.
		"192.88.99.0/24",  // RFC 7526, relays of 6to4
		"198.51.100.0/24", // RFC 5737.
		"203.0.113.0/24",  // RFC 5737
		"2001::/23",       // RFC 2928, protocols of the IETF: Teredo (2001::/32) embeds obfuscated IPv4 addresses
		"2001:db8::/32",   // RFC 3849, documentation
		"3fff::/20",       // RFC 9637, documentation
	},
})

type addressRange struct {
	netip.Prefix
	reach reach
}

func parseRanges(texts map[reach][]string) []addressRange {
	var list []addressRange
	for r, prefixes := range texts {
		for _, text := range prefixes {
			list = append(list, addressRange{netip.MustParsePrefix(text), r})
		}
	}
	return list
}

// reachOf returns the reach of an address. An IPv4 address that is embedded in an IPv6 address decides (see
// hostpattern.Embedded).
func reachOf(addr netip.Addr) reach {
	addr = addr.Unmap().WithZone("")
	embedded := hostpattern.Embedded(addr)
	switch {
	case embedded != addr && localNAT64.Contains(addr) && reachOf(embedded) == public:
		return private // the address is valid within one network only
	case embedded != addr:
		return reachOf(embedded)
	case isISATAP(addr):
		return reserved
	}
	bits, found := -1, reserved
	for _, r := range ranges {
		if r.Bits() > bits && r.Contains(addr) {
			bits, found = r.Bits(), r.reach
		}
	}
	return found
}

// localNAT64 is for the NAT64 of one network (RFC 8215).
var localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")

// isISATAP reports whether an address embeds an IPv4 address behind any prefix, to be reached by a tunnel (RFC 5214).
func isISATAP(addr netip.Addr) bool {
	b := addr.As16()
	return addr.Is6() && b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
