package stage

import (
	"net"
	"sync"
	"time"
)

// Proxy adds a round-trip time between a client and a server. Data arrives half a round trip later, and a new
// connection takes a whole one.
type Proxy struct {
	listener net.Listener
	target   string
	rtt      time.Duration

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// NewProxy returns a proxy to the target on a free port of 127.0.0.1.
func NewProxy(target string, rtt time.Duration) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: listener, target: target, rtt: rtt, conns: map[net.Conn]bool{}}
	go p.serve()
	return p, nil
}

// Addr returns the address of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close closes the proxy with all its connections.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.connect(client)
	}
}

func (p *Proxy) connect(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	if !p.add(client, server) {
		return
	}
	// The kernel has already completed the handshake with the client, without a delay. The client's first data waits
	// for the time that the handshake would have taken.
	established := time.Now().Add(p.rtt)
	go p.copyDelayed(server, client, established)
	p.copyDelayed(client, server, established)
}

// add records the connections, or closes them if the proxy is closed.
func (p *Proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		if p.conns == nil {
			_ = conn.Close()
		} else {
			p.conns[conn] = true
		}
	}
	return p.conns != nil
}

// packet is data in transit.
type packet struct {
	data []byte
	due  time.Time
}

// copyDelayed copies data from one connection to the other until one of them ends, and then closes both.
func (p *Proxy) copyDelayed(to, from net.Conn, established time.Time) {
	packets := make(chan packet, 1024)
	go func() {
		defer close(packets)
		for {
			data := make([]byte, 16<<10)
			n, err := from.Read(data)
			if n > 0 {
				sent := time.Now()
				if sent.Before(established) {
					sent = established
				}
				packets <- packet{data[:n], sent.Add(p.rtt / 2)}
			}
			if err != nil {
				return
			}
		}
	}()
	for next := range packets {
		time.Sleep(time.Until(next.due))
		if _, err := to.Write(next.data); err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
	// Drain the channel, so that the reader does not block.
	p.remove(to, from)
	drain(packets)
}

func drain(packets <-chan packet) {
	for {
		if _, more := <-packets; !more {
			return
		}
	}
}

func (p *Proxy) remove(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}
