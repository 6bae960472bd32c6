package registry

import (
	"fmt"
	"net"
)

// Misfit is a host, by name, on which there is no registry that a client could use.
type Misfit struct {
	Name string
	// Start has it listen on an address of loopback, until stop is called.
	Start func() (addr string, stop func(), err error)
}

// nobody is an address on which nothing listens.
const nobody = "127.0.0.1:1"

// Misfits are the hosts that clients take for registries by mistake, or in bad times.
func Misfits() []Misfit {
	return []Misfit{
		{"nothing listens", func() (string, func(), error) { return nobody, func() {}, nil }},
		{"a host that says nothing", silent},
		{"a host that hangs up", func() (string, func(), error) { return babbling("") }},
		{"a host of another protocol", func() (string, func(), error) { return babbling("SSH-2.0-OpenSSH_10.0\r\n") }},
		{"a host without TLS", func() (string, func(), error) { return started(Config{PlainHTTP: true}) }},
		{"a certificate of nobody", func() (string, func(), error) { return started(Config{}) }},
	}
}

// silent is a host whose kernel takes connections, and on which nobody answers.
func silent() (addr string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listening: %w", err)
	}
	return ln.Addr().String(), func() { _ = ln.Close() }, nil
}

// babbling is a host that says the same to everybody, listens to nobody, and hangs up.
func babbling(words string) (addr string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listening: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			// Whoever does not listen has gone already.
			_, _ = conn.Write([]byte(words))
			_ = conn.Close()
		}
	}()
	return ln.Addr().String(), func() { _ = ln.Close(); <-ended }, nil
}

// started is a server that works, for those who trust it.
func started(c Config) (addr string, stop func(), err error) {
	s, err := Start(c)
	if err != nil {
		return "", nil, err
	}
	return s.Addr(), s.Close, nil
}
