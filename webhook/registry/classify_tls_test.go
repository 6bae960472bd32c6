package registry_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestCertificatesFromAuthoritiesAndForNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testregistry.Config{})
	stranger, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	w.add("private.example.com", testregistry.Config{CA: stranger})
	wantVerdict(t, w.ask("private.example.com/shop/web:1", anonymous()),
		"RegistryUnavailable: the registry's certificate is from an authority unknown to Pullgate; transient")

	client := newClient(t, registry.Options{RootCAs: w.ca.Pool(), DialContext: dialTo(w.Addr())})
	wantVerdict(t, client.Resolve(t.Context(), reference("other.example.com/shop/web:1"), anonymous()),
		"RegistryUnavailable: the registry's certificate is for another name; transient")
}

func TestBadTLS(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		certificate x509.Certificate
		version     uint16
		want        string
	}{
		"expired certificate": {
			certificate: x509.Certificate{NotAfter: time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)},
			want:        "RegistryUnavailable: the registry's certificate is expired or not valid yet; transient",
		},
		"certificate of a client": {
			certificate: x509.Certificate{
				NotAfter:    time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC),
				ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			},
			want: "RegistryUnavailable: the registry's certificate is invalid; transient",
		},
		"a version of the past": {
			certificate: x509.Certificate{NotAfter: time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)},
			version:     tls.VersionTLS11,
			want:        "RegistryUnavailable: the registry does not speak TLS as expected; transient",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificate, pool := selfSigned(t, test.certificate)
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: test.version}
			s.StartTLS()
			t.Cleanup(s.Close)
			client := newClient(t, registry.Options{RootCAs: pool, DialContext: dialTo(s.Listener.Addr().String())})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), test.want)
		})
	}
}

func TestPeersThatSpeakNoTLS(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		greeting, want string
		patience       time.Duration
	}{
		"another protocol": {
			greeting: "SSH-2.0-OpenSSH_9.9\r\n",
			want:     "RegistryUnavailable: the registry does not speak TLS as expected; transient",
			patience: 10 * time.Second,
		},
		"silence": {want: "RegistryUnavailable: no answer in time; transient", patience: 50 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, registry.Options{
				ConnectTimeout: test.patience,
				DialContext:    func(context.Context, string, string) (net.Conn, error) { return greeter(t, test.greeting), nil },
			})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), test.want)
		})
	}
}

// greeter is a connection to a peer that says one thing and then listens.
func greeter(t *testing.T, greeting string) net.Conn {
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

// dialTo leads every name to one address.
func dialTo(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}
}

// selfSigned completes a certificate for registry.example.com, which is its own authority.
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
