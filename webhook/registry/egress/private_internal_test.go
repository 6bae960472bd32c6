package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"syscall"
	"testing"
	"time"
)

// An author of images must not learn which ports of a private network are open.
func TestCausesOnPrivateNetworks(t *testing.T) {
	t.Parallel()
	const hidden = "no usable connection to the registry, which is on a private network"
	tests := map[string]struct {
		address string
		conn    func() (net.Conn, error)
		want    string
		logged  string
	}{
		"refused":         {"10.1.2.3:443", refused, hidden, "connection refused"},
		"filtered":        {"10.1.2.3:443", filtered, hidden, "no response in time"},
		"no route":        {"[fd12::1]:443", noRoute, hidden, "no route to the registry"},
		"closed":          {"100.64.0.1:443", speaking(""), hidden, "the connection broke"},
		"not TLS":         {"10.1.2.3:443", speaking("SSH-2.0-OpenSSH_9.9\r\n"), hidden, "the registry does not speak TLS as expected"},
		"no such host":    {"", unknownHost, "no such host", ""},
		"public, refused": {"93.184.216.34:443", refused, "connection refused", ""},
		"public, not TLS": {"93.184.216.34:443", speaking("SSH-2.0-OpenSSH_9.9\r\n"), "the registry does not speak TLS as expected", ""},
		"named, loopback": {"127.0.0.1:443", refused, "connection refused", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			logged := ""
			err := requestOver(t, test.address, test.conn, func(host, cause string) { logged = host + ": " + cause })
			if want := "registry.example: " + test.logged; Cause(err) != test.want || test.logged != "" && logged != want || test.logged == "" && logged != "" {
				t.Errorf("got cause %q and log %q, want %q and %q", Cause(err), logged, test.want, test.logged)
			}
			err = requestOver(t, test.address, test.conn, nil)
			if want := test.logged; want != "" && Cause(err) != want {
				t.Errorf("without a log, got cause %q, want %q", Cause(err), want)
			}
		})
	}
}

// The error of plain HTTP is a response of a server. It stays what it is, because its fix differs.
func TestPlainHTTPOnPrivateNetworks(t *testing.T) {
	t.Parallel()
	err := requestOver(t, "10.1.2.3:443", speaking("HTTP/1.0 400 Bad Request\r\n\r\n"), func(string, string) { t.Error("logged") })
	if !errors.Is(err, http.ErrSchemeMismatch) {
		t.Errorf("got error %v, want %v", err, http.ErrSchemeMismatch)
	}
}

// requestOver returns the error of a request whose connection is made by conn, to an address.
func requestOver(t *testing.T, address string, conn func() (net.Conn, error), log func(host, cause string)) error {
	t.Helper()
	p, err := NewPool(Options{
		Policy: &Policy{}, RequestTimeout: time.Minute, ConnectTimeout: time.Minute, LogPrivate: log,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.ConnectStart != nil && address != "" {
				trace.ConnectStart(network, address) // as net.Dialer
			}
			return conn()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	o := transportOptions("x")
	o.DialTimeout = time.Minute
	transports, err := p.Transports(o)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "https://registry.example/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transports.Content.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
		t.Fatal("got a response")
	}
	return err
}

func refused() (net.Conn, error) { return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED} }

func filtered() (net.Conn, error) { return nil, context.DeadlineExceeded }

func noRoute() (net.Conn, error) { return nil, &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH} }

func unknownHost() (net.Conn, error) { return nil, &net.DNSError{IsNotFound: true} }

// speaking returns a connection to a server that sends a text and closes the connection.
func speaking(text string) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			_, _ = server.Read(make([]byte, 4096)) // the ClientHello
			_, _ = io.WriteString(server, text)
		}()
		return pipeConn{client}, nil
	}
}

// pipeConn is a pipe with the address of a TCP connection.
type pipeConn struct{ net.Conn }

func (pipeConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(93, 184, 216, 34), Port: 443} }
