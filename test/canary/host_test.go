package canary

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"github.com/pullgate/pullgate/test/registry"
)

// host is one host and port of a network. It records all bytes of its connections, before and after TLS, and its requests.
type host struct {
	listener net.Listener
	server   *http.Server
	// conns are the connections after TLS, for the server.
	conns chan net.Conn
	done  chan struct{}
	tls   *tls.Config
	// closed is called once for each connection that has ended.
	closed func()

	mu       sync.Mutex
	received bytes.Buffer
	requests []string
}

// startHost starts a host whose certificate has the name.
func startHost(ca *registry.CA, name string, http2 bool, handler http.Handler, closed func()) (*host, error) {
	cert, err := ca.Certificate(name)
	if err != nil {
		return nil, err
	}
	h := &host{conns: make(chan net.Conn), done: make(chan struct{}), closed: closed}
	h.tls = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if http2 {
		h.tls.NextProtos = []string{"h2", "http/1.1"}
	}
	if h.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	h.server = &http.Server{
		Handler:   h.recordRequests(handler),
		ErrorLog:  log.New(io.Discard, "", 0),
		Protocols: new(http.Protocols),
	}
	h.server.Protocols.SetHTTP1(true)
	h.server.Protocols.SetUnencryptedHTTP2(true) // the server gets its connections after TLS
	go h.accept()
	go func() { _ = h.server.Serve(h) }()
	return h, nil
}

func (h *host) accept() {
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			return
		}
		go h.open(&recordingConn{Conn: conn, host: h, closed: sync.OnceFunc(h.closed)})
	}
}

// open passes a connection to the server, after TLS if it begins with a TLS record. After a failed handshake it
// records the rest.
func (h *host) open(conn *recordingConn) {
	reader := bufio.NewReader(conn)
	first, err := reader.Peek(1)
	if err != nil {
		_ = conn.Close()
		return
	}
	opened := net.Conn(&bufferedConn{Conn: conn, reader: reader})
	if first[0] == 0x16 { // a TLS record of a handshake
		secured := tls.Server(opened, h.tls)
		if err := secured.Handshake(); err != nil {
			_, _ = io.Copy(io.Discard, reader)
			_ = conn.Close()
			return
		}
		opened = &recordingConn{Conn: secured, host: h, closed: func() {}}
	}
	select {
	case h.conns <- opened:
	case <-h.done:
		_ = conn.Close()
	}
}

// Accept implements net.Listener, for the server.
func (h *host) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener, for the server.
func (h *host) Close() error { return nil }

// Addr implements net.Listener.
func (h *host) Addr() net.Addr { return h.listener.Addr() }

// stop ends the host and its connections.
func (h *host) stop() {
	close(h.done)
	_ = h.listener.Close()
	_ = h.server.Close()
}

// recordRequests records each request decoded, because HTTP/2 compresses headers.
func (h *host) recordRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true) // the body remains readable
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		h.record(dump)
		h.mu.Lock()
		h.requests = append(h.requests, r.Method+" "+r.RequestURI)
		h.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (h *host) record(data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.received.Write(data)
}

// bytesSince returns what the host has received after the first n bytes.
func (h *host) bytesSince(n int) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.Clone(h.received.Bytes()[n:])
}

// summary returns the requests, without headers and bodies.
func (h *host) summary() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.requests, ", ")
}

func (h *host) wasRequested() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.requests) > 0
}

// recordingConn records what is read from a connection.
type recordingConn struct {
	net.Conn
	host   *host
	closed func()
}

// Read implements net.Conn.
func (c *recordingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.host.record(p[:n])
	return n, err
}

// Close implements net.Conn.
func (c *recordingConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

// bufferedConn is a connection whose first bytes are in a reader.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

// Read implements net.Conn.
func (c *bufferedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }

// TestHostRecordsEveryProtocol sends a canary over each protocol that a client could use.
func TestHostRecordsEveryProtocol(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		url   string
		http2 bool
	}{
		"HTTP":            {"http://evil.example/", false},
		"HTTPS":           {"https://evil.example/", false},
		"HTTP/2":          {"https://evil.example/", true},
		"an unknown name": {"https://other.example/", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, vector{}, test.http2)
			c := newCanary()
			transport := &http.Transport{
				DialContext: w.dial, TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, test.url, strings.NewReader("password="+c.password))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if (resp.ProtoMajor == 2) != test.http2 {
				t.Errorf("the protocol is %s", resp.Proto)
			}
			transport.CloseIdleConnections()
			w.settle(t)
			if len(w.receivers(c, nil)) != 1 {
				t.Errorf("the canary is not recorded: %s", w.summary())
			}
		})
	}
	t.Run("another protocol", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, vector{}, false)
		c := newCanary()
		conn, err := w.dial(t.Context(), "tcp", "evil.example:22")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "AUTH "+c.auth()+"\r\n")
		_ = conn.Close()
		w.settle(t)
		if len(w.receivers(c, nil)) != 1 {
			t.Error("the canary is not recorded")
		}
	})
}
