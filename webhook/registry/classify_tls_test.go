package registry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestCertificatesOfOtherAuthoritiesAndNames(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	stranger, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	w.add("private.example.com", testregistry.Config{CA: stranger})
	wantVerdict(t, w.resolve("private.example.com/shop/web:1", anonymous()),
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
		"an old version": {
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

func TestPeersWithoutTLS(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		greeting, want string
		timeout        time.Duration
	}{
		"another protocol": {
			greeting: "SSH-2.0-OpenSSH_9.9\r\n",
			want:     "RegistryUnavailable: the registry does not speak TLS as expected; transient",
			timeout:  10 * time.Second,
		},
		"silence": {want: "RegistryUnavailable: no response in time; transient", timeout: 50 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, registry.Options{
				ConnectTimeout: test.timeout,
				DialContext:    func(context.Context, string, string) (net.Conn, error) { return dialGreeter(t, test.greeting), nil },
			})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), test.want)
		})
	}
}
