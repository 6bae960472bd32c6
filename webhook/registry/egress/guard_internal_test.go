package egress

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// The details of forbidden addresses.
const (
	local    = "the registry resolves to a loopback, link-local or multicast address"
	metadata = "the registry resolves to a cloud's metadata service"
	listed   = "the registry's address is on the list of forbidden hosts"
	onPriv   = "the registry is on a private network"
)

func mustGuard(t *testing.T, e Rules) *guard {
	t.Helper()
	g, err := newGuard(e)
	if err != nil {
		t.Fatalf("newGuard: %v", err)
	}
	return g
}

// textOf returns the text of an error; empty for nil.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	open, closed := mustGuard(t, Rules{}), mustGuard(t, Rules{DenyPrivate: true})
	tests := map[string]struct{ addr, privateAllowed, privateDenied string }{
		"public":                      {"93.184.216.34", "", ""},
		"public IPv6":                 {"2606:4700::1111", "", ""},
		"loopback":                    {"127.0.0.1", local, local},
		"last loopback address":       {"127.255.255.254", local, local},
		"IPv6 loopback":               {"::1", local, local},
		"mapped loopback":             {"::ffff:127.0.0.1", local, local},
		"NAT64 loopback":              {"64:ff9b::7f00:1", local, local},
		"6to4 loopback":               {"2002:7f00:1::", local, local},
		"unspecified":                 {"0.0.0.0", local, local},
		"IPv6 unspecified":            {"::", local, local},
		"link-local metadata":         {"169.254.169.254", local, local},
		"mapped link-local metadata":  {"::ffff:169.254.169.254", local, local},
		"NAT64 link-local metadata":   {"64:ff9b::a9fe:a9fe", local, local},
		"IPv6 link-local":             {"fe80::1%eth0", local, local},
		"multicast":                   {"224.0.0.1", local, local},
		"IPv6 multicast":              {"ff02::1", local, local},
		"broadcast":                   {"255.255.255.255", local, local},
		"Amazon's metadata by IPv6":   {"fd00:ec2::254", metadata, metadata},
		"Google's metadata by IPv6":   {"fd20:ce::254", metadata, metadata},
		"Alibaba's metadata":          {"100.100.100.200", metadata, metadata},
		"Alibaba's metadata, mapped":  {"::ffff:100.100.100.200", metadata, metadata},
		"private class A":             {"10.1.2.3", "", onPriv},
		"private class B":             {"172.31.255.255", "", onPriv},
		"private class C":             {"192.168.0.1", "", onPriv},
		"mapped private":              {"::ffff:10.1.2.3", "", onPriv},
		"NAT64 private":               {"64:ff9b::a01:203", "", onPriv},
		"6to4 private":                {"2002:0a01:0203::1", "", onPriv},
		"NAT64 public":                {"64:ff9b::5db8:d822", "", ""},
		"NAT64 of one network":        {"64:ff9b:1::a01:203", "", onPriv},
		"IPv6 private":                {"fd12:3456::1", "", onPriv},
		"IPv6 private, other half":    {"fc00::1", "", onPriv},
		"shared by a carrier":         {"100.64.0.1", "", onPriv},
		"shared by a carrier, last":   {"100.127.255.255", "", onPriv},
		"beside the shared range":     {"100.128.0.1", "", ""},
		"benchmarks":                  {"198.19.0.1", "", onPriv},
		"neighbour of private B":      {"172.32.0.1", "", ""},
		"neighbour of link-local":     {"169.253.0.1", "", ""},
		"6to4 of a public address":    {"2002:5db8:d822::", "", ""},
		"IPv6 beside the 6to4 prefix": {"2003:7f00:1::", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := netip.AddrPortFrom(netip.MustParseAddr(test.addr), 443)
			if got := textOf(open.checkAddress(to)); got != test.privateAllowed {
				t.Errorf("with private networks allowed: got %q, want %q", got, test.privateAllowed)
			}
			if got := textOf(closed.checkAddress(to)); got != test.privateDenied {
				t.Errorf("with private networks denied: got %q, want %q", got, test.privateDenied)
			}
		})
	}
}

func TestAddressRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rules   Rules
		address string
		want    string
	}{
		"denied address":                          {Rules{Deny: []string{"93.184.216.34"}}, "93.184.216.34:443", listed},
		"denied range":                            {Rules{Deny: []string{"93.184.0.0/16"}}, "93.184.216.34:443", listed},
		"outside of the denied range":             {Rules{Deny: []string{"93.184.0.0/16"}}, "93.185.216.34:443", ""},
		"denied range, mapped address":            {Rules{Deny: []string{"93.184.0.0/16"}}, "[::ffff:93.184.216.34]:443", listed},
		"denied range, NAT64 address":             {Rules{Deny: []string{"93.184.0.0/16"}}, "[64:ff9b::5db8:d822]:443", listed},
		"denied mapped range":                     {Rules{Deny: []string{"::ffff:93.184.0.0/112"}}, "93.184.216.34:443", listed},
		"denied mapped address":                   {Rules{Deny: []string{"::ffff:93.184.216.34"}}, "93.184.216.34:443", listed},
		"denied NAT64 range":                      {Rules{Deny: []string{"64:ff9b::/96"}}, "[64:ff9b::5db8:d822]:443", listed},
		"denied IPv6 range":                       {Rules{Deny: []string{"2606::/16"}}, "[2606:4700::1111]:443", listed},
		"denied IPv6 range, scoped":               {Rules{Deny: []string{"2606::/16"}}, "[2606:4700::1111%eth0]:443", listed},
		"denied port":                             {Rules{Deny: []string{"93.184.216.34:5000"}}, "93.184.216.34:5000", listed},
		"another port than denied":                {Rules{Deny: []string{"93.184.216.34:5000"}}, "93.184.216.34:443", ""},
		"allowed wins over denied":                {Rules{Allow: []string{"93.184.216.34"}, Deny: []string{"93.0.0.0/8"}}, "93.184.216.34:443", ""},
		"allowed wins over loopback":              {Rules{Allow: []string{"127.0.0.0/8"}}, "127.0.0.1:443", ""},
		"allowed wins over private":               {Rules{Allow: []string{"10.0.0.0/8"}, DenyPrivate: true}, "10.1.2.3:443", ""},
		"allowed wins over metadata":              {Rules{Allow: []string{"fd00:ec2::254"}}, "[fd00:ec2::254]:80", ""},
		"allowed port":                            {Rules{Allow: []string{"127.0.0.1:5000"}}, "127.0.0.1:5000", ""},
		"another port than allowed":               {Rules{Allow: []string{"127.0.0.1:5000"}}, "127.0.0.1:5001", local},
		"allowed private, mapped loopback":        {Rules{Allow: []string{"10.0.0.0/8"}}, "[::ffff:127.0.0.1]:443", local},
		"a name pattern does not match addresses": {Rules{Allow: []string{"*"}}, "127.0.0.1:443", local},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := mustGuard(t, test.rules)
			if got := textOf(g.control("tcp", test.address, nil)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAddressesThatCannotBeChecked(t *testing.T) {
	t.Parallel()
	const want = "the registry has an address that cannot be checked"
	tests := map[string]struct{ network, address string }{
		"a Unix socket": {"unix", "/run/registry.sock"},
		"datagrams":     {"udp4", "93.184.216.34:443"},
		"a name":        {"tcp4", "registry.example.com:443"},
		"no port":       {"tcp4", "93.184.216.34"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := mustGuard(t, Rules{Allow: []string{"0.0.0.0/0"}})
			if got := textOf(g.control(test.network, test.address, nil)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// This test uses the real dialler. The listener must not receive a connection.
func TestNamesThatResolveToLoopback(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatalf("splitting: %v", err)
	}
	g := mustGuard(t, Rules{DenyPrivate: true})
	o := Options{RequestTimeout: time.Second, ConnectTimeout: time.Second}
	p := newPool(o, g, &tls.Config{MinVersion: tls.VersionTLS12}, time.Second)
	h := &hop{guard: g, own: p, others: p}
	defer p.closeIdleConnections()
	for _, host := range []string{"localhost", "127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"} {
		address := "https://" + net.JoinHostPort(host, port)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, address, nil)
		if err != nil {
			t.Fatalf("NewRequest: %v", err)
		}
		resp, err := h.RoundTrip(req)
		if err == nil {
			t.Errorf("%s: got status %d, want an error", host, resp.StatusCode)
			continue
		}
		if refused, ok := errors.AsType[*ForbiddenError](err); !ok || refused.Detail != local {
			t.Errorf("%s: got error %v, want %q", host, err, local)
		}
	}
	wantNextCaller(t, listener)
}

// wantNextCaller fails the test if the listener has received a connection before now.
func wantNextCaller(t *testing.T, listener net.Listener) {
	t.Helper()
	caller, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatalf("dialling: %v", err)
	}
	defer caller.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatalf("accepting: %v", err)
	}
	defer accepted.Close()
	if accepted.RemoteAddr().String() != caller.LocalAddr().String() {
		t.Error("the guarded dialler connected")
	}
}

func TestNewNamesTheBadRule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rules Rules
		want  string
	}{
		"allow": {
			Rules{Allow: []string{"a/b"}},
			`egress.allow[0]: "a/b" must be a host without a path: remove everything from the first slash`,
		},
		"deny": {
			Rules{Deny: []string{"ghcr.io", "https://x"}},
			`egress.deny[1]: "https://x" must be a host without a scheme: remove everything up to ://`,
		},
		"insecure": {
			Rules{Insecure: []string{"a", "b", "10.0.0.0/8"}},
			`egress.insecureRegistries[2]: "10.0.0.0/8" must be a host without a path: remove everything from the first slash`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := New(Options{Rules: test.rules}); textOf(err) != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}
