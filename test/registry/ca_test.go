package registry

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"
)

func TestCertificate(t *testing.T) {
	t.Parallel()
	ca, other := newCA(t), newCA(t)
	cert, err := ca.Certificate("registry.example", "mirror.example", "192.0.2.1")
	if err != nil {
		t.Fatalf("Certificate: %v", err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatalf("ParseCertificate: %v", err)
	}
	tests := map[string]struct {
		pool *x509.CertPool
		name string
		ok   bool
	}{
		"the first name":                    {pool: ca.Pool(), name: "registry.example", ok: true},
		"the second name":                   {pool: ca.Pool(), name: "mirror.example", ok: true},
		"an address":                        {pool: ca.Pool(), name: "192.0.2.1", ok: true},
		"an address not in the certificate": {pool: ca.Pool(), name: "192.0.2.2"},
		"localhost":                         {pool: ca.Pool(), name: "localhost", ok: true},
		"the IPv4 loopback":                 {pool: ca.Pool(), name: "127.0.0.1", ok: true},
		"the IPv6 loopback":                 {pool: ca.Pool(), name: "::1", ok: true},
		"a name not in the certificate":     {pool: ca.Pool(), name: "other.example"},
		"another CA":                        {pool: other.Pool(), name: "registry.example"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := leaf.Verify(x509.VerifyOptions{Roots: tt.pool, DNSName: tt.name})
			if got := err == nil; got != tt.ok {
				t.Errorf("Verify(%q): got %v, want ok = %t", tt.name, err, tt.ok)
			}
		})
	}
}

func TestCAInPEMForm(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca.PEM()) {
		t.Fatalf("PEM does not parse: %s", ca.PEM())
	}
	if !pool.Equal(ca.Pool()) {
		t.Error("PEM and Pool hold different certificates")
	}
	if bytes.Contains(ca.PEM(), []byte("PRIVATE")) {
		t.Error("PEM holds the private key")
	}
}

func TestCertificateInPEMForm(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	cert, key, err := ca.CertificatePEM("registry.example")
	if err != nil {
		t.Fatalf("CertificatePEM: %v", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatalf("X509KeyPair: %v", err)
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "registry.example"}); err != nil {
		t.Errorf("Verify: %v", err)
	}
}

func TestEachServerHasItsOwnCA(t *testing.T) {
	t.Parallel()
	a, b := start(t, Config{}), start(t, Config{})
	resp, err := client(t, a).Get(b.URL() + "/v2/")
	if err == nil {
		resp.Body.Close()
		t.Error("a client that trusts one server trusts the other too")
	}
	resp, err = client(t, a).Get(a.URL() + "/v2/")
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("got status %d, want 200", resp.StatusCode)
	}
}
