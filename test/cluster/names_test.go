package cluster

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func query(t *testing.T, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name + "."), Type: kind, Class: dnsmessage.ClassINET}},
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func addressList(t *testing.T, text string) nameServer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "addresses")
	if err := writeFile(file, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return nameServer{file: file}
}

func TestNameServer(t *testing.T) {
	t.Parallel()
	server := addressList(t, "10.90.1.1 registry.example\n10.90.1.2 private.example\nnonsense odd.example\n::1 six.example\n")
	const none = dnsmessage.RCodeNameError
	tests := map[string]struct {
		name   string
		kind   dnsmessage.Type
		code   dnsmessage.RCode
		want   string
		silent bool
	}{
		"a known name":                              {name: "private.example", kind: dnsmessage.TypeA, want: "10.90.1.2"},
		"a name in capitals":                        {name: "Private.EXAMPLE", kind: dnsmessage.TypeA, want: "10.90.1.2"},
		"a query for another type":                  {name: "private.example", kind: dnsmessage.TypeAAAA},
		"an unknown name":                           {name: "missing.example", kind: dnsmessage.TypeA, code: none},
		"a suffix of a name":                        {name: "example", kind: dnsmessage.TypeA, code: none},
		"a subdomain of a name":                     {name: "a.private.example", kind: dnsmessage.TypeA, code: none},
		"a name without an address":                 {name: "odd.example", kind: dnsmessage.TypeA, code: none},
		"a name with an IPv6 address":               {name: "six.example", kind: dnsmessage.TypeA, code: none},
		"a name under servfail.invalid":             {name: "a.servfail.invalid", kind: dnsmessage.TypeA, code: dnsmessage.RCodeServerFailure},
		"a name under hang.invalid":                 {name: "a.hang.invalid", kind: dnsmessage.TypeA, silent: true},
		"a name with hang.invalid as a text suffix": {name: "ahang.invalid", kind: dnsmessage.TypeA, code: none},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			packet := server.respond(query(t, tt.name, tt.kind))
			if tt.silent {
				if packet != nil {
					t.Error("got a response, want none")
				}
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(packet); err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, r := range m.Answers {
				a := r.Body.(*dnsmessage.AResource).A
				got = net.IP(a[:]).String()
			}
			if m.ID != 7 || !m.Response || m.RCode != tt.code || got != tt.want {
				t.Errorf("got %s with %q, want %s with %q", m.RCode, got, tt.code, tt.want)
			}
		})
	}
}

func TestNameServerIgnoresInvalidPackets(t *testing.T) {
	t.Parallel()
	reply := query(t, "registry.example", dnsmessage.TypeA)
	reply[2] |= 0x80 // the flag of a response
	two := query(t, "registry.example", dnsmessage.TypeA)
	two[5] = 2 // two questions in the header
	for name, packet := range map[string][]byte{"an empty packet": nil, "random bytes": []byte("noise"), "a response": reply, "a wrong count": two} {
		if got := (nameServer{}).respond(packet); got != nil {
			t.Errorf("%s: got a response, want none", name)
		}
	}
}

func TestNameServerAnswersAResolver(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	server := addressList(t, "10.90.1.1 registry.example\n")
	go func() { served <- server.serve(ctx, conn) }()
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: time.Minute}).DialContext(ctx, network, conn.LocalAddr().String())
	}}
	got, err := resolver.LookupHost(ctx, "registry.example.")
	if err != nil || strings.Join(got, " ") != "10.90.1.1" {
		t.Errorf("got %v and error %v, want 10.90.1.1", got, err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("stopping the server: %v", err)
	}
}

func TestNameServerReturnsReadErrors(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := (nameServer{}).serve(t.Context(), conn); err == nil || !strings.Contains(err.Error(), "reading a query") {
		t.Errorf("got error %v, want an error about reading", err)
	}
}
