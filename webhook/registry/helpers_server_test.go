package registry_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

// recordingServer is a host that has every image and records its requests.
type recordingServer struct {
	ca *testregistry.CA
	*httptest.Server

	mu       sync.Mutex
	requests []*http.Request
}

func newRecordingServer(t *testing.T, start func(*httptest.Server)) *recordingServer {
	t.Helper()
	ca, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	certificate, err := ca.Certificate(replica, "sub."+replica, host)
	if err != nil {
		t.Fatalf("Certificate: %v", err)
	}
	r := &recordingServer{ca: ca}
	r.Server = httptest.NewUnstartedServer(r)
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	start(r.Server)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP implements http.Handler.
func (r *recordingServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, req)
	w.Header().Set("Content-Type", ociManifest)
	w.Header().Set("Content-Length", "2")
	w.Header().Set("Docker-Content-Digest", absentDigest)
}

// last returns the last request.
func (r *recordingServer) last(t *testing.T) *http.Request {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.requests) == 0 {
		t.Fatal("there was no request")
	}
	return r.requests[len(r.requests)-1]
}

// client returns a client with a tree, which connects every name to the server.
func (r *recordingServer) client(t *testing.T, files map[string]string) *registry.Client {
	t.Helper()
	return newClient(t, registry.Options{
		HostsDir: writeTree(t, "", files), RootCAs: r.ca.Pool(), DialContext: dialTo(r.Listener.Addr().String()),
	})
}

// files returns the files of a certs.d tree that configure TLS for the recordingServer.
func (r *recordingServer) files(t *testing.T) map[string]string {
	t.Helper()
	stranger, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	node, err := r.ca.Certificate("node")
	if err != nil {
		t.Fatalf("Certificate: %v", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(node.PrivateKey)
	if err != nil {
		t.Fatalf("writing a key: %v", err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: node.Certificate[0]}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	ca := string(r.ca.PEM())
	return map[string]string{
		"ca.pem": ca, "other.pem": string(stranger.PEM()), "a.crt": ca, "dir.crt/x": "",
		"a.cert": certificate, "a.key": key, "both.pem": certificate + key, "both.cert": certificate + key,
	}
}

// flood writes up to 100 MiB, as long as the client reads, and counts the bytes.
type flood struct{ taken atomic.Int64 }

const floodBytes = 100 << 20

func (f *flood) write(w io.Writer) {
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	for f.taken.Load() < floodBytes {
		n, err := w.Write(chunk)
		f.taken.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// newHostileClient serves a handler as registry.example.com by HTTP/1.1, and returns a client of it.
func newHostileClient(t *testing.T, handler http.Handler, timeout time.Duration) *registry.Client {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return newClient(t, registry.Options{
		RootCAs: pool, DialContext: dialTo(s.Listener.Addr().String()),
		RequestTimeout: timeout, ConnectTimeout: time.Minute, ManifestBytes: 1 << 20,
	})
}

// blockingBody is a body that ends at the timeout.
type blockingBody struct{ ctx context.Context }

func (b blockingBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, io.EOF
}

// dialGreeter returns a connection to a peer that sends a greeting and then only reads.
func dialGreeter(t *testing.T, greeting string) net.Conn {
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		go func() { _, _ = io.WriteString(far, greeting) }()
		_, _ = io.Copy(io.Discard, far)
	}()
	t.Cleanup(func() {
		_ = far.Close()
		_ = near.Close()
		<-done
	})
	return near
}

// selfSigned completes and signs a certificate for registry.example.com with its own key.
func selfSigned(t *testing.T, template x509.Certificate) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("generating a key: %v", err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	template.DNSNames = []string{host}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatalf("signing: %v", err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("parsing: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// watchedConn sends on a channel when it is closed.
type watchedConn struct {
	net.Conn
	closed chan<- struct{}
}

func (c watchedConn) Close() error {
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}

// recorder records the parameters of the first token request.
type recorder struct {
	next         http.RoundTripper
	tokenRequest url.Values
}

func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper {
	r.next = next
	return r
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path == "/token" && r.tokenRequest == nil {
		r.tokenRequest = req.URL.Query()
	}
	if req.Method == http.MethodPost {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		form, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		if r.tokenRequest, err = url.ParseQuery(string(form)); err != nil {
			return nil, err
		}
	}
	return r.next.RoundTrip(req)
}
