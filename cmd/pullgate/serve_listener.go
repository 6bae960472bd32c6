package main

import (
	"net"
	"sync"
)

// maxClientConnections bounds the open connections of one client address. An API server has one for each review in progress, which
// are a few hundred at most, and 25 idle ones. A connection takes up to 40 KiB, so that one client takes 40 MiB.
const maxClientConnections = 1000

// limitedListener closes new connections of an address that has limit connections already. A bound for all addresses together would
// let one client keep the API server out.
type limitedListener struct {
	net.Listener
	limit int
	// refused is called for each connection that is closed.
	refused func()

	mu   sync.Mutex
	open map[string]int // by address, without entries of zero
}

func newLimitedListener(l net.Listener, limit int, refused func()) *limitedListener {
	return &limitedListener{Listener: l, limit: limit, refused: refused, open: map[string]int{}}
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address, _, _ := net.SplitHostPort(conn.RemoteAddr().String()) // a TCP address has a port
		if l.add(address) {
			return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { l.remove(address) })}, nil
		}
		_ = conn.Close()
		l.refused()
	}
}

func (l *limitedListener) add(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[address] >= l.limit {
		return false
	}
	l.open[address]++
	return true
}

func (l *limitedListener) remove(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[address]--; l.open[address] == 0 {
		delete(l.open, address)
	}
}

// limitedConn is a connection that is counted until it is closed.
type limitedConn struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.release()
	return c.Conn.Close()
}
