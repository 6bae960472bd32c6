package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers for the names in a file of "ADDRESS NAME" lines, which it reads anew for each question, so that
// whoever adds a line need not tell it. Two endings stand for what goes wrong: names that end in servfail.invalid fail,
// those in hang.invalid are never answered. Nobody has any other name.
type nameServer struct{ file string }

// The two endings.
const (
	servFail = "servfail.invalid"
	hang     = "hang.invalid"
)

// serve answers until the context ends. The listener is its own to close.
func (n nameServer) serve(ctx context.Context, conn net.PacketConn) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	packet := make([]byte, 1500)
	for {
		size, from, err := conn.ReadFrom(packet)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return errors.Join(fmt.Errorf("reading a question: %w", err), conn.Close())
		}
		if answer := n.answer(packet[:size]); answer != nil {
			// Who has gone does not miss it.
			_, _ = conn.WriteTo(answer, from)
		}
	}
}

// answer returns the reply to a question; nil for none.
func (n nameServer) answer(packet []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(packet) != nil || len(m.Questions) != 1 || m.Response {
		return nil
	}
	m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
	q := m.Questions[0]
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	ip, known := n.lookup(name)
	switch {
	case isBelow(name, hang):
		return nil
	case isBelow(name, servFail):
		m.RCode = dnsmessage.RCodeServerFailure
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: [4]byte(ip)}}}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}

func isBelow(name, domain string) bool { return name == domain || strings.HasSuffix(name, "."+domain) }

// lookup returns the address of a name.
func (n nameServer) lookup(name string) (net.IP, bool) {
	// Without a file there are no names.
	data, _ := os.ReadFile(n.file)
	for line := range strings.Lines(string(data)) {
		address, found := strings.CutSuffix(strings.TrimSpace(line), " "+name)
		if ip := net.ParseIP(address).To4(); found && ip != nil {
			return ip, true
		}
	}
	return nil, false
}
