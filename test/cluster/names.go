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

// nameServer is a DNS server for the names in a file of "ADDRESS NAME" lines. It reads the file for each query, so
// that programs can add lines. Two suffixes simulate faults: queries under servfail.invalid fail, and queries under
// hang.invalid get no response. All other names do not exist.
type nameServer struct{ file string }

// The suffixes of names with faults.
const (
	servFail = "servfail.invalid"
	hang     = "hang.invalid"
)

// serve answers queries until the context ends, and closes the connection.
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
			return errors.Join(fmt.Errorf("reading a query: %w", err), conn.Close())
		}
		if response := n.respond(packet[:size]); response != nil {
			// The client may have exited, so the error is ignored.
			_, _ = conn.WriteTo(response, from)
		}
	}
}

// respond returns the response to a query, or nil for no response.
func (n nameServer) respond(packet []byte) []byte {
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
	response, err := m.Pack()
	if err != nil {
		return nil
	}
	return response
}

func isBelow(name, domain string) bool { return name == domain || strings.HasSuffix(name, "."+domain) }

// lookup returns the address of a name.
func (n nameServer) lookup(name string) (net.IP, bool) {
	// Without the file, no name exists.
	data, _ := os.ReadFile(n.file)
	for line := range strings.Lines(string(data)) {
		address, found := strings.CutSuffix(strings.TrimSpace(line), " "+name)
		if ip := net.ParseIP(address).To4(); found && ip != nil {
			return ip, true
		}
	}
	return nil, false
}
