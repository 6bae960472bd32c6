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

func question(t *testing.T, name string, kind dnsmessage.Type) []byte {
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
		answer string
		silent bool
	}{
		"a name":                   {name: "private.example", kind: dnsmessage.TypeA, answer: "10.90.1.2"},
		"in capitals":              {name: "Private.EXAMPLE", kind: dnsmessage.TypeA, answer: "10.90.1.2"},
		"of another kind":          {name: "private.example", kind: dnsmessage.TypeAAAA},
		"nobody's":                 {name: "nobody.example", kind: dnsmessage.TypeA, code: none},
		"the end of a name":        {name: "example", kind: dnsmessage.TypeA, code: none},
		"below a name":             {name: "a.private.example", kind: dnsmessage.TypeA, code: none},
		"a name without address":   {name: "odd.example", kind: dnsmessage.TypeA, code: none},
		"an address of IPv6":       {name: "six.example", kind: dnsmessage.TypeA, code: none},
		"a name that fails":        {name: "a.servfail.invalid", kind: dnsmessage.TypeA, code: dnsmessage.RCodeServerFailure},
		"a name without an answer": {name: "a.hang.invalid", kind: dnsmessage.TypeA, silent: true},
		"almost such a name":       {name: "ahang.invalid", kind: dnsmessage.TypeA, code: none},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			packet := server.answer(question(t, tt.name, tt.kind))
			if tt.silent {
				if packet != nil {
					t.Error("got an answer, want none")
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
			if m.ID != 7 || !m.Response || m.RCode != tt.code || got != tt.answer {
				t.Errorf("got %s with %q, want %s with %q", m.RCode, got, tt.code, tt.answer)
			}
		})
	}
}

func TestNameServerIgnoresNonsense(t *testing.T) {
	t.Parallel()
	reply := question(t, "registry.example", dnsmessage.TypeA)
	reply[2] |= 0x80 // it says that it is an answer
	two := question(t, "registry.example", dnsmessage.TypeA)
	two[5] = 2 // it says that there are two questions
	for name, packet := range map[string][]byte{"nothing": nil, "noise": []byte("noise"), "an answer": reply, "a lie": two} {
		if got := (nameServer{}).answer(packet); got != nil {
			t.Errorf("%s: got an answer, want none", name)
		}
	}
}

func TestNameServerServes(t *testing.T) {
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
		t.Errorf("ending it: %v", err)
	}
}

func TestNameServerFails(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := (nameServer{}).serve(t.Context(), conn); err == nil || !strings.Contains(err.Error(), "reading a question") {
		t.Errorf("got error %v, want one about reading", err)
	}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	if _, err := p.assign("early.example"); err == nil || !strings.Contains(err.Error(), "opening the list of addresses") {
		t.Errorf("without a folder: got error %v, want one about opening", err)
	}
	if err := p.makeDirs(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want string }{
		{"registry.example", "10.90.1.1"}, {"private.example", "10.90.1.2"}, {"registry.example", "10.90.1.1"},
		{"example", "10.90.1.3"}, {"localhost", "127.0.0.1"},
	} {
		if got, err := p.assign(tt.name); err != nil || got != tt.want {
			t.Errorf("%s: got %q and error %v, want %q", tt.name, got, err, tt.want)
		}
	}
	full := strings.Repeat("10.90.1.9 x.example\n", 254*254)
	if err := writeFile(p.addressFile(), []byte(full)); err != nil {
		t.Fatal(err)
	}
	if got, err := p.assign("late.example"); err == nil {
		t.Errorf("got %q, want an error: there is no address left", got)
	}
}
