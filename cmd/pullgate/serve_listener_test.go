package main

import (
	"errors"
	"io"
	"net"
	"testing"
)

// addressedConn is a connection from an address.
type addressedConn struct {
	net.Conn
	address string
	closed  bool
}

func (c *addressedConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(c.address), Port: 40000}
}

func (c *addressedConn) Close() error {
	c.closed = true
	return nil
}

// scriptedListener accepts its connections, and then ends.
type scriptedListener struct {
	net.Listener
	conns []*addressedConn
}

func (l *scriptedListener) Accept() (net.Conn, error) {
	if len(l.conns) == 0 {
		return nil, io.EOF
	}
	conn := l.conns[0]
	l.conns = l.conns[1:]
	return conn, nil
}

func TestConnectionsOfOneClientAreBounded(t *testing.T) {
	t.Parallel()
	from := func(address string) *addressedConn { return &addressedConn{address: address} }
	first, second, third, other, again := from("10.0.0.1"), from("10.0.0.1"), from("10.0.0.1"), from("fd00::1"), from("10.0.0.1")
	refused := 0
	l := newLimitedListener(&scriptedListener{conns: []*addressedConn{first, second, third, other, again}}, 2, func() { refused++ })
	accept := func() net.Conn {
		t.Helper()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	a := accept()
	accept()
	if got := accept().RemoteAddr().String(); got != other.RemoteAddr().String() || !third.closed {
		t.Errorf("accepted %s with the third connection closed = %t, want another client and true", got, third.closed)
	}
	for range 2 { // net/http may close a connection twice
		if err := a.Close(); err != nil || !first.closed {
			t.Errorf("Close: error %v, closed = %t, want true", err, first.closed)
		}
	}
	if got := accept().RemoteAddr().String(); got != again.RemoteAddr().String() || again.closed {
		t.Errorf("accepted %s, want a client with a free place", got)
	}
	if _, err := l.Accept(); !errors.Is(err, io.EOF) {
		t.Errorf("Accept: error %v, want the listener's", err)
	}
	if refused != 1 {
		t.Errorf("%d connections were refused, want 1", refused)
	}
	if l.open["10.0.0.1"] != 2 || l.open["fd00::1"] != 1 {
		t.Errorf("open connections: %v, want 2 and 1", l.open)
	}
}
