package registry

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// life is the time from one start of a server to its next stop. Every request's context ends with it, so that a request
// which a fault holds up cannot hold up the end.
type life struct {
	server *http.Server
	cancel context.CancelFunc
	served chan struct{}
	next   http.Handler

	mu       sync.Mutex
	ended    bool
	inflight sync.WaitGroup
}

// begin serves the handler on the listener, with TLS if there is a configuration for it.
func begin(ln net.Listener, handler http.Handler, tlsConfig *tls.Config) *life {
	ctx, cancel := context.WithCancel(context.Background())
	l := &life{cancel: cancel, served: make(chan struct{}), next: handler}
	l.server = &http.Server{
		Handler:           l,
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: time.Minute,
		// Clients that break off a handshake are what tests are made of, and no news.
		ErrorLog:    log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	go func() {
		defer close(l.served)
		// Either returns http.ErrServerClosed once the life ends, and nothing else: the listener is open.
		if tlsConfig == nil {
			_ = l.server.Serve(ln)
		} else {
			_ = l.server.ServeTLS(ln, "", "")
		}
	}()
	return l
}

// ServeHTTP counts the request as under way while it is served.
func (l *life) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !l.enter() {
		panic(http.ErrAbortHandler)
	}
	defer l.inflight.Done()
	l.next.ServeHTTP(w, r)
}

func (l *life) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.inflight.Add(1)
	return true
}

// end cuts every connection and waits until no handler runs any more.
func (l *life) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.cancel()
	// The error is that of closing the listener, which is closed all the same.
	_ = l.server.Close()
	l.inflight.Wait()
	<-l.served
}

// connKey is where a request's context holds the connection that it came by.
type connKey struct{}

// resetConnection breaks the connection that the request came by, without a word: the peer's next read or write fails
// with ECONNRESET. It does not return.
func resetConnection(r *http.Request) {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		// With no time to linger, closing discards what is unsent and sends a reset. What fails here is closed already.
		_ = t.SetLinger(0)
		_ = t.Close()
	}
	panic(http.ErrAbortHandler)
}
