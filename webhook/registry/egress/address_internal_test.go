package egress

import (
	"net/netip"
	"testing"
)

// reaches maps addresses to their reach.
var reaches = map[string]reach{
	// Public addresses, and neighbours of the exceptions.
	"1.0.0.0":              public,
	"1.1.1.1":              public,
	"9.255.255.255":        public,
	"11.0.0.0":             public,
	"93.184.216.34":        public,
	"100.63.255.255":       public,
	"100.128.0.0":          public,
	"126.255.255.255":      public,
	"128.0.0.1":            public,
	"168.63.129.15":        public,
	"168.63.129.17":        public,
	"169.253.255.255":      public,
	"169.255.0.0":          public,
	"172.15.255.255":       public,
	"172.32.0.1":           public,
	"192.0.1.0":            public,
	"192.167.255.255":      public,
	"198.17.255.255":       public,
	"198.20.0.0":           public,
	"223.255.255.255":      public,
	"::ffff:93.184.216.34": public,
	"2606:4700::1111":      public,
	"2001:200::1":          public,
	"2001:db7::1":          public,
	"2003:7f00:1::":        public,
	"2000::1":              public,
	"3ffe:ffff::1":         public,
	"64:ff9b::5db8:d822":   public, // NAT64 of a public address
	"2002:5db8:d822::":     public, // 6to4 of a public address

	// Private addresses.
	"10.1.2.3":              private,
	"172.16.0.1":            private,
	"172.31.255.255":        private,
	"192.168.0.1":           private,
	"100.64.0.1":            private,
	"100.100.100.199":       private,
	"100.127.255.255":       private,
	"198.18.0.1":            private,
	"198.19.255.255":        private,
	"fc00::1":               private,
	"fd12:3456::1":          private,
	"fd00:ec3::254":         private,
	"::ffff:10.1.2.3":       private,
	"64:ff9b::a01:203":      private,
	"2002:a01:203::1":       private,
	"64:ff9b:1::a01:203":    private,
	"64:ff9b:1::5db8:d822":  private, // of one network
	"64:ff9b:1:7::5db8:d82": private,

	// This machine, its link, and groups of machines.
	"127.0.0.1":              local,
	"127.255.255.254":        local,
	"::1":                    local,
	"0.0.0.0":                local,
	"::":                     local,
	"::ffff:127.0.0.1":       local,
	"::ffff:0.0.0.0":         local,
	"64:ff9b::7f00:1":        local,
	"64:ff9b:1::7f00:1":      local,
	"2002:7f00:1::":          local,
	"169.254.169.254":        local, // the metadata service of most clouds
	"169.254.170.2":          local, // Amazon ECS
	"169.254.170.23":         local, // Amazon EKS Pod Identity
	"169.254.0.23":           local, // Tencent
	"169.254.42.42":          local, // Scaleway
	"::ffff:169.254.169.254": local,
	"64:ff9b::a9fe:a9fe":     local,
	"64:ff9b:1::a9fe:a9fe":   local,
	"2002:a9fe:a9fe::":       local,
	"fe80::1%eth0":           local,
	"fe80::a9fe:a9fe":        local, // OpenStack
	"febf:ffff::1":           local,
	"224.0.0.1":              local,
	"239.255.255.255":        local,
	"ff02::1":                local,
	"ff0e::1":                local,
	"255.255.255.255":        local,

	// Metadata services outside the link.
	"100.100.100.200":        metadata,
	"::ffff:100.100.100.200": metadata,
	"64:ff9b::6464:64c8":     metadata,
	"fd00:100::100:200":      metadata,
	"168.63.129.16":          metadata,
	"64:ff9b::a83f:8110":     metadata,
	"192.0.0.192":            metadata,
	"fd00:c1::a9fe:a9fe":     metadata,
	"fd00:ec2::254":          metadata,
	"fd00:ec2::23":           metadata,
	"fd00:ec2::254%eth0":     metadata,
	"fd20:ce::254":           metadata,
	"fd00:a9fe:a9fe::1":      metadata,
	"fd00:42::42":            metadata,

	// Addresses that no registry can have.
	"0.0.0.1":                       reserved,
	"0.255.255.255":                 reserved,
	"192.0.0.1":                     reserved,
	"192.0.2.1":                     reserved,
	"192.88.99.1":                   reserved,
	"198.51.100.1":                  reserved,
	"203.0.113.1":                   reserved,
	"240.0.0.1":                     reserved,
	"255.255.255.254":               reserved,
	"::2":                           reserved,
	"::7f00:1":                      reserved, // compatible with IPv4, RFC 4291
	"::a9fe:a9fe":                   reserved,
	"::5db8:d822":                   reserved,
	"::ffff:0:7f00:1":               reserved, // translated, RFC 2765
	"64:ff9b:0:1::7f00:1":           reserved, // beside NAT64
	"64:ff9b:1:a9fe:a9:fe00::":      reserved, // NAT64 with a prefix of 48 bits
	"64:ff9b:1:0:a9:fea9:fe00:0":    reserved, // of 64 bits
	"64:ff9b:2::5db8:d822":          reserved,
	"100::1":                        reserved, // RFC 6666, discarded
	"2001::1":                       reserved, // Teredo
	"2001:0:a9fe:a9fe::":            reserved,
	"2001:2::1":                     reserved, // benchmarks
	"2001:20::1":                    reserved, // RFC 7343
	"2001:db8::1":                   reserved,
	"3fff::1":                       reserved,
	"2606:4700::5efe:7f00:1":        reserved, // ISATAP
	"fd12::200:5efe:7f00:1":         reserved,
	"2606:4700::200:5efe:5db8:d822": reserved,
	"4000::1":                       reserved,
	"5f00::1":                       reserved,
	"fec0::1":                       reserved, // RFC 3879, site-local
	"fe00::1":                       reserved,
}

func TestReachOf(t *testing.T) {
	t.Parallel()
	for text, want := range reaches {
		if got := reachOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("reachOf(%s) = %d, want %d", text, got, want)
		}
	}
	if got := reachOf(netip.Addr{}); got != reserved {
		t.Errorf("reachOf of no address = %d, want %d", got, reserved)
	}
}

func TestAddressesByReach(t *testing.T) {
	t.Parallel()
	open, closed := mustPolicy(t, Rules{}), mustPolicy(t, Rules{DenyPrivate: true})
	for r, want := range map[reach][2]string{
		public: {"", ""}, private: {"", isPrivate}, local: {isLocal, isLocal}, metadata: {isMetadata, isMetadata}, reserved: {isReserved, isReserved},
	} {
		for text, reach := range reaches {
			if reach != r {
				continue
			}
			to := netip.AddrPortFrom(netip.MustParseAddr(text), 443)
			got := [2]string{textOf(open.checkAddress("registry.example:443", to)), textOf(closed.checkAddress("registry.example:443", to))}
			if got != want {
				t.Errorf("%s: got %q with private networks allowed and denied, want %q", text, got, want)
			}
		}
	}
}

// FuzzAddress compares the reach of plain addresses with the predicates of net/netip. An embedded address has the reach of the
// address inside.
func FuzzAddress(f *testing.F) {
	for text := range reaches {
		f.Add(netip.MustParseAddr(text).AsSlice())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		addr, ok := netip.AddrFromSlice(data)
		if !ok {
			return
		}
		got := reachOf(addr)
		reachable := got == public || got == private
		plain := addr.Unmap()
		switch {
		case reachOf(addr.WithZone("eth0")) != got, reachOf(plain) != got:
			t.Errorf("%s: the zone or the mapped form changes the reach %d", addr, got)
		case reachable && (plain.IsLoopback() || plain.IsUnspecified() || plain.IsMulticast() || plain.IsLinkLocalUnicast()):
			t.Errorf("%s: got %d for a local address", addr, got)
		case plain.IsPrivate() && got == public:
			t.Errorf("%s: a private address is public", addr)
		case reachable && !plain.IsGlobalUnicast():
			t.Errorf("%s: got %d for an address that is not unicast", addr, got)
		}
		if plain.Is4() {
			b := plain.As4()
			nat64 := netip.AddrFrom16([16]byte{0, 0x64, 0xff, 0x9b, 12: b[0], b[1], b[2], b[3]})
			sixToFour := netip.AddrFrom16([16]byte{0x20, 0x02, b[0], b[1], b[2], b[3]})
			isatap := netip.AddrFrom16([16]byte{0x26, 0x06, 10: 0x5e, 0xfe, b[0], b[1], b[2], b[3]})
			if reachOf(nat64) != got || reachOf(sixToFour) != got || reachOf(isatap) != reserved {
				t.Errorf("%s: embedded, it has another reach", addr)
			}
		}
	})
}
