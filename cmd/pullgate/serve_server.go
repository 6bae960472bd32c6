package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/metrics"
)

const (
	// idleTimeout is longer than the 90 s after which an API server closes an idle connection (kubernetes:
	// staging/src/k8s.io/apimachinery/pkg/util/net/http.go, SetTransportDefaults; net/http.DefaultTransport). If the server closed
	// it first, a review could be on its way, and the API server does not repeat it.
	idleTimeout = 2 * time.Minute
	// headerTimeout and requestTimeout bound the time to read a request. The longest timeout of a webhook is 30 s.
	headerTimeout  = 10 * time.Second
	requestTimeout = 30 * time.Second
	maxHeaderBytes = 64 << 10
)

// addServer adds the webhook's server. A TLS handshake fails until the certificate exists. The manager stops the server last.
func addServer(
	ctx context.Context, mgr ctrl.Manager, o serveOptions, endpoint http.Handler, tlsConfig *tls.Config,
	refused func(metrics.Refusal), ending <-chan struct{},
) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort("", strconv.Itoa(o.webhookPort)))
	if err != nil {
		return fmt.Errorf("opening the webhook's port: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle(webhook.Path, endpoint)
	server := newServer(mux, ending, o.log.Logger)
	server.ConnState = countHandshakes(context.WithoutCancel(ctx), func() { refused(metrics.RefusedTLS) })
	limited := newLimitedListener(listener, maxClientConnections, func() { refused(metrics.RefusedConnections) })
	return mgr.Add(&manager.Server{Name: "webhook", Server: server, Listener: tls.NewListener(limited, tlsConfig)})
}

// newTLSConfig returns the TLS settings of the webhook's server. The API server uses HTTP/1.1 for webhooks. Without HTTP/2, attacks
// on HTTP/2 are not possible.
func newTLSConfig(certificate *certs.Serving) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: certificate.GetCertificate,
	}
}

func newServer(handler http.Handler, ending <-chan struct{}, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           closeConnections(handler, ending),
		IdleTimeout:       idleTimeout,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          newErrorLog(logger),
	}
}

// countHandshakes returns a function for http.Server.ConnState that calls failed for each TLS handshake that fails. A client that
// ends the connection without sending anything, such as the probe of a load balancer, does not count.
func countHandshakes(ctx context.Context, failed func()) func(net.Conn, http.ConnState) {
	return func(conn net.Conn, state http.ConnState) {
		secured, ok := conn.(*tls.Conn)
		if !ok || state != http.StateClosed || secured.ConnectionState().HandshakeComplete {
			return
		}
		// The handshake has ended before the state changes, so that this only returns its error.
		if err := secured.HandshakeContext(ctx); err != nil && !errors.Is(err, io.EOF) {
			failed()
		}
	}
}

// closeConnections asks the client to use no connection again after ending is closed. The client itself closes the connection
// then, so that no request is lost. A server that closes an idle connection (http.Server.Shutdown, SetKeepAlivesEnabled) may do so
// while a request is on its way.
func closeConnections(next http.Handler, ending <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isClosed(ending) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// delayed returns a context that ends some time after its parent.
func delayed(parent context.Context, delay time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		select {
		case <-ctx.Done():
		case <-time.After(delay):
			cancel()
		}
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// whileRunning returns a readiness check that fails after ending is closed, so that the API server uses the other replicas.
func whileRunning(ending <-chan struct{}) healthz.Checker {
	return func(*http.Request) error {
		if isClosed(ending) {
			return errors.New("the process is ending")
		}
		return nil
	}
}

// logged returns the check, and logs each change of its result. The response of /readyz does not have the cause, since anyone may read it.
func logged(logger *slog.Logger, name string, check healthz.Checker) healthz.Checker {
	var mu sync.Mutex
	var last string
	return func(r *http.Request) error {
		err := check(r)
		cause := ""
		if err != nil {
			cause = err.Error()
		}
		mu.Lock()
		defer mu.Unlock()
		switch cause {
		case last:
		case "":
			logger.InfoContext(r.Context(), "readiness check passes", "check", name)
		default:
			logger.WarnContext(r.Context(), "readiness check fails", "check", name, "cause", cause)
		}
		last = cause
		return err
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
