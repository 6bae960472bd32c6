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

// instance serves requests from one start of a server to the next stop. The context of every request ends with it, so
// that a delayed request cannot block the stop.
type instance struct {
	server *http.Server
	cancel context.CancelFunc
	served chan struct{}
	next   http.Handler

	mu       sync.Mutex
	stopped  bool
	inflight sync.WaitGroup
}

// startInstance serves the handler on the listener. A TLS configuration turns TLS on.
func startInstance(ln net.Listener, handler http.Handler, tlsConfig *tls.Config) *instance {
	ctx, cancel := context.WithCancel(context.Background())
	l := &instance{cancel: cancel, served: make(chan struct{}), next: handler}
	l.server = &http.Server{
		Handler:           l,
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: time.Minute,
		// Tests often abort a handshake, so its errors are not logged.
		ErrorLog:    log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	go func() {
		defer close(l.served)
		// Both return only http.ErrServerClosed here, after stop: the listener is open.
		if tlsConfig == nil {
			_ = l.server.Serve(ln)
		} else {
			_ = l.server.ServeTLS(ln, "", "")
		}
	}()
	return l
}

// ServeHTTP counts the request as in flight while it is served.
func (l *instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !l.enter() {
		panic(http.ErrAbortHandler)
	}
	defer l.inflight.Done()
	l.next.ServeHTTP(w, r)
}

func (l *instance) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return false
	}
	l.inflight.Add(1)
	return true
}

// stop closes every connection and waits until all handlers have returned.
func (l *instance) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.cancel()
	// The error comes from closing the listener, which is closed in any case.
	_ = l.server.Close()
	l.inflight.Wait()
	<-l.served
}

// connKey is the context key of the request's connection.
type connKey struct{}

// resetConnection resets the connection of the request: the peer's next read or write fails with ECONNRESET. It
// panics with http.ErrAbortHandler.
func resetConnection(r *http.Request) {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		// With a linger time of 0, closing discards unsent data and sends a reset. An error means that the connection
		// is closed already.
		_ = t.SetLinger(0)
		_ = t.Close()
	}
	panic(http.ErrAbortHandler)
}
