package registry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"
)

// get sends a ping to a URL of the network.
func get(t *testing.T, n *Network, url string) (*http.Response, error) {
	t.Helper()
	transport := n.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	r, err := http.NewRequestWithContext(withTimeout(t), http.MethodGet, url+"/v2/", nil)
	if err != nil {
		t.Fatalf("NewRequest: %v", err)
	}
	resp, err := transport.RoundTrip(r)
	if err == nil {
		resp.Body.Close()
	}
	return resp, err
}

func TestNetworkResolvesNames(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	n := NewNetwork(ca)
	t.Cleanup(n.Close)
	secure, plain := start(t, Config{CA: ca}), start(t, Config{PlainHTTP: true})
	for name, s := range map[string]*Server{
		"registry.example": secure, "alias.example": secure, "ports.example:5000": secure, "ports.example:80": plain,
	} {
		if err := n.Add(name, s); err != nil {
			t.Fatalf("Add(%q): %v", name, err)
		}
	}
	n.AddAddress("address.example", plain.Addr())
	tests := map[string]struct {
		url    string
		server *Server
	}{
		"a name":                          {url: "https://registry.example", server: secure},
		"another name of the same server": {url: "https://alias.example", server: secure},
		"any port":                        {url: "https://registry.example:8443", server: secure},
		"the port of the name":            {url: "https://ports.example:5000", server: secure},
		"another port with plain HTTP":    {url: "http://ports.example", server: plain},
		"a name of an address":            {url: "http://address.example", server: plain},
		"the address itself, over TLS":    {url: secure.URL(), server: secure},
		"the address itself":              {url: plain.URL(), server: plain},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			resp, err := get(t, n, tt.url)
			if err != nil {
				t.Fatalf("got error %v", err)
			}
			if resp.StatusCode != http.StatusOK {
				t.Errorf("got status %d, want 200", resp.StatusCode)
			}
		})
	}
}

func TestDialErrors(t *testing.T) {
	t.Parallel()
	_, n := startNamed(t, Config{})
	if err := n.Add("ports.example:5000", start(t, Config{})); err != nil {
		t.Fatalf("Add: %v", err)
	}
	n.Set("refused.example", Refused)
	n.Set("empty.example", Reachable)
	n.Set("servfail.example", ServFail)
	tests := map[string]struct {
		addr string
		dns  *net.DNSError
		is   error
	}{
		"an unknown name": {
			addr: "unknown.example:443", dns: &net.DNSError{Err: "no such host", Name: "unknown.example", IsNotFound: true},
		},
		"a suffix of a name": {
			addr: "example:443", dns: &net.DNSError{Err: "no such host", Name: "example", IsNotFound: true},
		},
		"a name whose servers fail": {
			addr: "servfail.example:443",
			dns:  &net.DNSError{Err: "server misbehaving", Name: "servfail.example", IsTemporary: true},
		},
		"a host that refuses":         {addr: "refused.example:443", is: syscall.ECONNREFUSED},
		"a host without a server":     {addr: "empty.example:443", is: syscall.ECONNREFUSED},
		"a port without a server":     {addr: "ports.example:443", is: syscall.ECONNREFUSED},
		"an IPv4 address outside":     {addr: "192.0.2.1:443", is: syscall.ENETUNREACH},
		"an IPv6 address outside":     {addr: "[2001:db8::1]:443", is: syscall.ENETUNREACH},
		"a loopback without a server": {addr: "127.0.0.1:1", is: syscall.ECONNREFUSED},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			conn, err := n.DialContext(withTimeout(t), "tcp", tt.addr)
			if err == nil {
				conn.Close()
				t.Fatal("got a connection")
			}
			var opErr *net.OpError
			if !errors.As(err, &opErr) || opErr.Op != "dial" {
				t.Errorf("got error %v, want a *net.OpError of dial", err)
			}
			var dns *net.DNSError
			if got := errors.As(err, &dns); got != (tt.dns != nil) || got && *dns != *tt.dns {
				t.Errorf("got DNS error %+v, want %+v", dns, tt.dns)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got error %v, want %v", err, tt.is)
			}
		})
	}
}

func TestDialWithoutAPort(t *testing.T) {
	t.Parallel()
	_, n := startNamed(t, Config{})
	_, err := n.DialContext(t.Context(), "tcp", "registry.example")
	var addrErr *net.AddrError
	if !errors.As(err, &addrErr) {
		t.Errorf("got error %v, want a *net.AddrError", err)
	}
}

func TestHangingDialEndsWithTheContext(t *testing.T) {
	t.Parallel()
	_, n := startNamed(t, Config{})
	n.Set("registry.example", Hanging)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.DialContext(ctx, "tcp", "registry.example:443"); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: got error %v, want %v", err, context.Canceled)
	}
	expired, stop := context.WithTimeout(t.Context(), 0)
	defer stop()
	_, err := n.DialContext(expired, "tcp", "registry.example:443")
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("with a deadline that has passed: got error %v, want a timeout", err)
	}
}

func TestHangingDialEndsWithTheCondition(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(n *Network)
		want error
	}{
		"the host becomes reachable": {end: func(n *Network) { n.Set("registry.example", Reachable) }},
		"the host refuses": {
			end: func(n *Network) { n.Set("registry.example", Refused) }, want: syscall.ECONNREFUSED,
		},
		"the network is closed": {end: func(n *Network) { n.Close(); n.Close() }, want: net.ErrClosed},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, n := startNamed(t, Config{})
			n.Set("registry.example", Hanging)
			started, done := make(chan struct{}), make(chan error, 1)
			go func() {
				close(started)
				conn, err := n.DialContext(withTimeout(t), "tcp", "registry.example:443")
				if err == nil {
					conn.Close()
				}
				done <- err
			}()
			<-started
			tt.end(n)
			if err := <-done; !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestConditionsCanBeReset(t *testing.T) {
	t.Parallel()
	_, n := startNamed(t, Config{})
	for _, condition := range []Condition{Refused, ServFail} {
		n.Set("registry.example", condition)
		if _, err := get(t, n, "https://registry.example"); err == nil {
			t.Errorf("condition %d: got a response", condition)
		}
		n.Set("registry.example", Reachable)
		if _, err := get(t, n, "https://registry.example"); err != nil {
			t.Errorf("after condition %d: got error %v", condition, err)
		}
	}
}

func TestNetworkDoesNotTrustAnotherCA(t *testing.T) {
	t.Parallel()
	_, n := startNamed(t, Config{})
	if err := n.Add("foreign.example", start(t, Config{})); err != nil {
		t.Fatalf("Add: %v", err)
	}
	if _, err := get(t, n, "https://foreign.example"); err == nil {
		t.Error("the network's clients trust a CA that is not the network's")
	}
}
