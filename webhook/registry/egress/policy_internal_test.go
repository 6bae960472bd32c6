package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"
)

// The details of forbidden addresses.
const (
	isReserved  = "the registry resolves to a reserved address"
	isLocal     = "the registry resolves to a loopback, link-local or multicast address"
	isMetadata  = "the registry resolves to a cloud's metadata service"
	isListed    = "the registry's address is on the list of forbidden hosts"
	isPrivate   = "the registry is on a private network"
	isAPIServer = "the registry resolves to the cluster's API server"
)

func mustPolicy(t testing.TB, r Rules) *Policy {
	t.Helper()
	p, err := NewPolicy(r)
	if err != nil {
		t.Fatalf("NewPolicy: %v", err)
	}
	return p
}

// textOf returns the text of an error; empty for nil.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAddressRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rules   Rules
		address string
		want    string
	}{
		"denied address":                          {Rules{Deny: []string{"93.184.216.34"}}, "93.184.216.34:443", isListed},
		"denied range":                            {Rules{Deny: []string{"93.184.0.0/16"}}, "93.184.216.34:443", isListed},
		"outside of the denied range":             {Rules{Deny: []string{"93.184.0.0/16"}}, "93.185.216.34:443", ""},
		"denied range, mapped address":            {Rules{Deny: []string{"93.184.0.0/16"}}, "[::ffff:93.184.216.34]:443", isListed},
		"denied range, NAT64 address":             {Rules{Deny: []string{"93.184.0.0/16"}}, "[64:ff9b::5db8:d822]:443", isListed},
		"denied mapped range":                     {Rules{Deny: []string{"::ffff:93.184.0.0/112"}}, "93.184.216.34:443", isListed},
		"denied mapped address":                   {Rules{Deny: []string{"::ffff:93.184.216.34"}}, "93.184.216.34:443", isListed},
		"denied NAT64 range":                      {Rules{Deny: []string{"64:ff9b::/96"}}, "[64:ff9b::5db8:d822]:443", isListed},
		"denied IPv6 range":                       {Rules{Deny: []string{"2606::/16"}}, "[2606:4700::1111]:443", isListed},
		"denied IPv6 range, scoped":               {Rules{Deny: []string{"2606::/16"}}, "[2606:4700::1111%eth0]:443", isListed},
		"denied port":                             {Rules{Deny: []string{"93.184.216.34:5000"}}, "93.184.216.34:5000", isListed},
		"another port than denied":                {Rules{Deny: []string{"93.184.216.34:5000"}}, "93.184.216.34:443", ""},
		"denied wins over allowed":                {Rules{Allow: []string{"93.184.216.34"}, Deny: []string{"93.0.0.0/8"}}, "93.184.216.34:443", isListed},
		"denied wins over the allowed name":       {Rules{Allow: []string{"registry.example"}, Deny: []string{"10.0.0.0/8"}}, "10.1.2.3:443", isListed},
		"allowed, all others denied":              {Rules{Allow: []string{"127.0.0.1"}, Deny: []string{"*"}}, "127.0.0.1:443", ""},
		"allowed by name, private":                {Rules{Allow: []string{"registry.example"}, DenyPrivate: true}, "10.1.2.3:443", ""},
		"another port allowed by name, private":   {Rules{Allow: []string{"registry.example:5000"}, DenyPrivate: true}, "10.1.2.3:443", isPrivate},
		"allowed by name, loopback":               {Rules{Allow: []string{"registry.example"}}, "127.0.0.1:443", isLocal},
		"allowed by name, link-local":             {Rules{Allow: []string{"registry.example"}}, "169.254.20.10:443", isLocal},
		"allowed by name, metadata":               {Rules{Allow: []string{"registry.example"}}, "168.63.129.16:443", isMetadata},
		"allowed by name, reserved":               {Rules{Allow: []string{"registry.example"}}, "240.0.0.1:443", isReserved},
		"allowed wins over reserved":              {Rules{Allow: []string{"240.0.0.0/4"}}, "240.0.0.1:443", ""},
		"the API server":                          {Rules{APIServers: []string{"10.96.0.1"}}, "10.96.0.1:443", isAPIServer},
		"the API server, mapped":                  {Rules{APIServers: []string{"10.96.0.1:443"}}, "[::ffff:10.96.0.1]:443", isAPIServer},
		"the API server by IPv6":                  {Rules{APIServers: []string{"[fd00::1]:6443"}}, "[fd00::1]:6443", isAPIServer},
		"the API server's machine, another port":  {Rules{APIServers: []string{"10.0.0.2:6443"}}, "10.0.0.2:30500", ""},
		"the API server, allowed by name":         {Rules{APIServers: []string{"10.96.0.1"}, Allow: []string{"registry.example"}}, "10.96.0.1:443", isAPIServer},
		"the API server, allowed":                 {Rules{APIServers: []string{"10.96.0.1"}, Allow: []string{"10.96.0.1"}}, "10.96.0.1:443", ""},
		"allowed wins over loopback":              {Rules{Allow: []string{"127.0.0.0/8"}}, "127.0.0.1:443", ""},
		"allowed wins over private":               {Rules{Allow: []string{"10.0.0.0/8"}, DenyPrivate: true}, "10.1.2.3:443", ""},
		"allowed wins over metadata":              {Rules{Allow: []string{"fd00:ec2::254"}}, "[fd00:ec2::254]:80", ""},
		"allowed port":                            {Rules{Allow: []string{"127.0.0.1:5000"}}, "127.0.0.1:5000", ""},
		"another port than allowed":               {Rules{Allow: []string{"127.0.0.1:5000"}}, "127.0.0.1:5001", isLocal},
		"allowed private, mapped loopback":        {Rules{Allow: []string{"10.0.0.0/8"}}, "[::ffff:127.0.0.1]:443", isLocal},
		"a name pattern does not match addresses": {Rules{Allow: []string{"*"}}, "127.0.0.1:443", isLocal},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustPolicy(t, test.rules)
			if got := textOf(p.checkDial("registry.example:443", "tcp", test.address)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestLocalhostIsAllowedByItsAddress(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		allow []string
		want  bool
	}{
		"nothing":         {nil, false},
		"its name":        {[]string{"localhost"}, false},
		"every name":      {[]string{"*"}, false},
		"IPv4 address":    {[]string{"127.0.0.1"}, true},
		"IPv6 address":    {[]string{"::1"}, true},
		"network":         {[]string{"127.0.0.0/8"}, true},
		"with the port":   {[]string{"127.0.0.1:5000"}, true},
		"another port":    {[]string{"127.0.0.1:5001"}, false},
		"another address": {[]string{"127.0.0.2"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := mustPolicy(t, Rules{Allow: test.allow, Deny: []string{"*"}})
			byAddress := p.checkDial("localhost:5000", "tcp", "[::1]:5000") == nil && p.checkDial("localhost:5000", "tcp", "127.0.0.1:5000") == nil
			if p.AllowsLocalhost("localhost:5000") != test.want || byAddress != test.want {
				t.Errorf("AllowsLocalhost = %t, and dialling = %t, want %t", p.AllowsLocalhost("localhost:5000"), byAddress, test.want)
			}
			if p.AllowsLocalhost("registry.example:5000") || p.checkDial("registry.example:5000", "tcp", "127.0.0.3:5000") == nil && name != "network" {
				t.Error("another host is allowed")
			}
		})
	}
}

func TestDenyWinsOverAllowByName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		allow, deny []string
		want        bool
	}{
		"denied":                          {nil, []string{"*.example"}, true},
		"denied and allowed":              {[]string{"registry.example"}, []string{"registry.example"}, true},
		"denied by pattern, allowed":      {[]string{"registry.example"}, []string{"*.example"}, true},
		"all others denied":               {[]string{"registry.example"}, []string{"*"}, false},
		"all others denied, not allowed":  {[]string{"other.example"}, []string{"*"}, true},
		"all others and the host denied":  {[]string{"registry.example"}, []string{"*", "registry.example"}, true},
		"all others denied, another port": {[]string{"registry.example:5000"}, []string{"*"}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := mustPolicy(t, Rules{Allow: test.allow, Deny: test.deny}).Denies("registry.example"); got != test.want {
				t.Errorf("Denies = %t, want %t", got, test.want)
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
			p := mustPolicy(t, Rules{Allow: []string{"0.0.0.0/0"}})
			if got := textOf(p.checkDial("registry.example:443", test.network, test.address)); got != want {
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
	o := Options{Policy: mustPolicy(t, Rules{Allow: []string{"*", "localhost"}}), RequestTimeout: time.Second, ConnectTimeout: time.Second}
	direct := newTransport(o, TransportOptions{DialTimeout: time.Second}, &tls.Config{MinVersion: tls.VersionTLS12})
	defer direct.closeIdleConnections()
	for _, host := range []string{"localhost", "127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"} {
		address := "https://" + net.JoinHostPort(host, port)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, address, nil)
		if err != nil {
			t.Fatalf("NewRequest: %v", err)
		}
		resp, err := direct.RoundTrip(req)
		if err == nil {
			t.Errorf("%s: got status %d, want an error", host, resp.StatusCode)
			continue
		}
		if refused, ok := errors.AsType[*ForbiddenError](err); !ok || refused.Detail != isLocal {
			t.Errorf("%s: got error %v, want %q", host, err, isLocal)
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
		t.Error("the dialler connected")
	}
}

func TestNewPolicyNamesTheBadRule(t *testing.T) {
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
			if _, err := NewPolicy(test.rules); textOf(err) != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

// The address of the API server may differ from the one that its name has for Pullgate, for example behind a proxy.
func TestAPIServerGetsNoRequestByItsName(t *testing.T) {
	t.Parallel()
	const host = "api.example:6443"
	for name, test := range map[string]struct {
		allow []string
		want  string
	}{
		"not listed": {nil, "the registry refers to the cluster's API server"},
		"listed":     {[]string{host}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dial := func(context.Context, string, string) (net.Conn, error) { return refused() }
			policy := mustPolicy(t, Rules{APIServers: []string{host}, Allow: test.allow})
			transport := newTransport(Options{Policy: policy, DialContext: dial}, TransportOptions{DialTimeout: time.Minute}, &tls.Config{MinVersion: tls.VersionTLS12})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "https://"+host+"/v2/", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
				t.Fatal("got a response")
			}
			got := ""
			if forbidden, ok := errors.AsType[*ForbiddenError](err); ok {
				got = forbidden.Detail
			}
			if got != test.want {
				t.Errorf("forbidden: %q, want %q", got, test.want)
			}
		})
	}
}
