package registry

import (
	"fmt"
	"net"
)

// BrokenHost is a named host without a usable registry.
type BrokenHost struct {
	Name string
	// Start listens on a loopback address until stop is called.
	Start func() (addr string, stop func(), err error)
}

// closedAddr is an address on which no process listens.
const closedAddr = "127.0.0.1:1"

// BrokenHosts returns hosts that a client may take for a registry: a wrong address, another protocol, or a registry
// that is down.
func BrokenHosts() []BrokenHost {
	return []BrokenHost{
		{"a closed port", func() (string, func(), error) { return closedAddr, func() {}, nil }},
		{"a host that never responds", silentHost},
		{"a host that closes each connection", func() (string, func(), error) { return bannerHost("") }},
		{"a host with another protocol", func() (string, func(), error) { return bannerHost("SSH-2.0-OpenSSH_10.0\r\n") }},
		{"a host without TLS", func() (string, func(), error) { return startServer(Config{PlainHTTP: true}) }},
		{"a certificate of an unknown authority", func() (string, func(), error) { return startServer(Config{}) }},
	}
}

// silentHost accepts connections in the kernel and never responds.
func silentHost() (addr string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listening: %w", err)
	}
	return ln.Addr().String(), func() { _ = ln.Close() }, nil
}

// bannerHost writes a fixed banner to every connection, reads nothing, and closes it.
func bannerHost(banner string) (addr string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listening: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			// The client may have closed the connection first, so the error is ignored.
			_, _ = conn.Write([]byte(banner))
			_ = conn.Close()
		}
	}()
	return ln.Addr().String(), func() { _ = ln.Close(); <-done }, nil
}

// startServer starts a working server whose CA the caller does not trust.
func startServer(c Config) (addr string, stop func(), err error) {
	s, err := Start(c)
	if err != nil {
		return "", nil, err
	}
	return s.Addr(), s.Close, nil
}
