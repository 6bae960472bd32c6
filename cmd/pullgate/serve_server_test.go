package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/pullgate/pullgate/certs"
)

func TestConnectionsAreClosedAfterTheSignal(t *testing.T) {
	t.Parallel()
	ending := make(chan struct{})
	handler := closeConnections(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }), ending)
	header := func() string {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/validate", nil))
		return w.Header().Get("Connection")
	}
	if got := header(); got != "" {
		t.Errorf("Connection: %q while running, want none", got)
	}
	close(ending)
	if got := header(); got != "close" {
		t.Errorf("Connection: %q after the signal, want close", got)
	}
}

// The API server closes idle connections first: after 90 s (net/http.DefaultTransport).
func TestServerKeepsIdleConnectionsLongerThanItsClient(t *testing.T) {
	t.Parallel()
	server := newServer(http.NotFoundHandler(), nil, slog.New(slog.DiscardHandler))
	if client := http.DefaultTransport.(*http.Transport).IdleConnTimeout; server.IdleTimeout <= client {
		t.Errorf("idle timeout %s, want more than %s", server.IdleTimeout, client)
	}
}

// Old versions of TLS and HTTP/2 are refused.
func TestServerRequiresTLS12AndHTTP1(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	serving, err := ca.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	config := newTLSConfig(certs.NewServing(t.TempDir(), logr.Discard()))
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &serving, nil }
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Listener = tls.NewListener(server.Listener, config)
	server.Config = newServer(http.NotFoundHandler(), nil, slog.New(slog.DiscardHandler))
	server.Start()
	t.Cleanup(server.Close)
	for name, test := range map[string]struct {
		config *tls.Config
		want   bool
	}{
		"TLS 1.2":  {&tls.Config{MaxVersion: tls.VersionTLS12}, true},
		"TLS 1.3":  {&tls.Config{MinVersion: tls.VersionTLS13}, true},
		"TLS 1.1":  {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		"HTTP/1.1": {&tls.Config{NextProtos: []string{"http/1.1"}}, true},
		"HTTP/2":   {&tls.Config{NextProtos: []string{"h2"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.config.RootCAs = ca.Pool()
			dialer := tls.Dialer{Config: test.config}
			conn, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err == nil {
				err = conn.Close()
			}
			if (err == nil) != test.want {
				t.Errorf("dialling: %v, want success: %t", err, test.want)
			}
		})
	}
}

// replica is a server that counts its open connections.
type replica struct {
	server *http.Server
	addr   string
	ending chan struct{}
	mu     sync.Mutex
	open   map[net.Conn]bool
	closed chan struct{}
}

func startReplica(t *testing.T) *replica {
	t.Helper()
	r := &replica{ending: make(chan struct{}), open: make(map[net.Conn]bool), closed: make(chan struct{}, 1)}
	r.server = newServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(w, req.Body)
	}), r.ending, slog.New(slog.DiscardHandler))
	r.server.ConnState = func(c net.Conn, state http.ConnState) {
		r.mu.Lock()
		defer r.mu.Unlock()
		switch state {
		case http.StateNew:
			r.open[c] = true
		case http.StateClosed:
			delete(r.open, c)
			select {
			case r.closed <- struct{}{}:
			default:
			}
		case http.StateActive, http.StateIdle, http.StateHijacked:
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- r.server.Serve(listener) }()
	t.Cleanup(func() {
		_ = r.server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return r
}

func (r *replica) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// Clients with idle connections send requests while a replica ends. New connections go to another replica, as the Service has it.
// No request is lost: when the server ends, it has no connection that it could close under a request.
func TestNoRequestIsLostInAShutdown(t *testing.T) {
	t.Parallel()
	leaving, staying := startReplica(t), startReplica(t)
	var target atomic.Pointer[replica]
	target.Store(leaving)
	const clients = 20
	var sent, failed atomic.Int64
	done := make(chan struct{})
	var running sync.WaitGroup
	for range clients {
		transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, target.Load().addr)
		}}
		t.Cleanup(transport.CloseIdleConnections)
		running.Go(func() {
			for !isClosed(done) && t.Context().Err() == nil {
				if err := post(t.Context(), &http.Client{Transport: transport}); err != nil {
					failed.Add(1)
				}
				sent.Add(1)
			}
		})
	}
	await(t, func() bool { return leaving.connections() == clients && sent.Load() > 10*clients })
	target.Store(staying)
	close(leaving.ending)
	for leaving.connections() > 0 {
		select {
		case <-leaving.closed:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d connections are still open, want the clients to close them", leaving.connections())
		}
	}
	if err := leaving.server.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	before := sent.Load()
	await(t, func() bool { return sent.Load() > before+10*clients })
	close(done)
	running.Wait()
	if n := failed.Load(); n != 0 {
		t.Errorf("%d of %d requests failed", n, sent.Load())
	}
}

func post(ctx context.Context, client *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://webhook/validate", strings.NewReader("review"))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(resp.Body)
	if string(data) != "review" {
		err = errors.Join(err, errors.New("another response"))
	}
	return errors.Join(err, resp.Body.Close())
}

// await waits until the condition holds.
func await(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for !condition() {
		select {
		case <-deadline:
			t.Fatal("the condition does not hold")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestDelayedEndsAfterItsParent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parent, end := context.WithCancel(t.Context())
		ctx, stop := delayed(parent, 10*time.Second)
		defer stop()
		time.Sleep(time.Minute)
		end()
		time.Sleep(9 * time.Second)
		if ctx.Err() != nil {
			t.Error("ended before the delay")
		}
		time.Sleep(2 * time.Second)
		if ctx.Err() == nil {
			t.Error("not ended after the delay")
		}
	})
}

func TestReadinessFailsAfterTheSignal(t *testing.T) {
	t.Parallel()
	ending := make(chan struct{})
	check := whileRunning(ending)
	if err := check(nil); err != nil {
		t.Errorf("%v while running", err)
	}
	close(ending)
	if check(nil) == nil {
		t.Error("no error after the signal")
	}
}

func TestFailedChecksAreLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var result error
	check := logged(slog.New(slog.NewJSONHandler(&log, nil)), "certificate", func(*http.Request) error { return result })
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil)
	for _, result = range []error{nil, errors.New("expired"), errors.New("expired"), errors.New("not yet valid"), nil, nil} {
		if err := check(req); !errors.Is(err, result) {
			t.Errorf("check() = %v, want %v", err, result)
		}
	}
	want := []string{"expired", "not yet valid", "readiness check passes"}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("log %q, want %d lines", lines, len(want))
	}
	for i, text := range want {
		if !strings.Contains(lines[i], text) {
			t.Errorf("line %q, want %q", lines[i], text)
		}
	}
}
