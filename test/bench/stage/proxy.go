package stage

import (
	"net"
	"sync"
	"time"
)

// Proxy puts a distance between a client and a server: whatever one sends arrives half a round trip later at the other, and
// setting up a connection takes a whole one.
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

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends the proxy with all its connections.
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
	if !p.keep(client, server) {
		return
	}
	// The kernel has shaken hands with the client at once. What the client sends first waits for what that would have taken.
	established := time.Now().Add(p.rtt)
	go p.carry(server, client, established)
	p.carry(client, server, established)
}

// keep remembers the connections, or closes them if the proxy is.
func (p *Proxy) keep(conns ...net.Conn) bool {
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

// parcel is what is on its way.
type parcel struct {
	data []byte
	due  time.Time
}

// carry carries what comes from one end to the other, until that ends, and then closes both.
func (p *Proxy) carry(to, from net.Conn, established time.Time) {
	way := make(chan parcel, 1024)
	go func() {
		defer close(way)
		for {
			data := make([]byte, 16<<10)
			n, err := from.Read(data)
			if n > 0 {
				sent := time.Now()
				if sent.Before(established) {
					sent = established
				}
				way <- parcel{data[:n], sent.Add(p.rtt / 2)}
			}
			if err != nil {
				return
			}
		}
	}()
	for next := range way {
		time.Sleep(time.Until(next.due))
		if _, err := to.Write(next.data); err != nil {
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
	// The reader must not be left waiting for someone to take a parcel.
	p.forget(to, from)
	drain(way)
}

func drain(way <-chan parcel) {
	for {
		if _, more := <-way; !more {
			return
		}
	}
}

func (p *Proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}
