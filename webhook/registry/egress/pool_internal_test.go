package egress

import (
	"crypto/tls"
	"errors"
	"fmt"
	"testing"
	"time"
)

func newTestPool(t *testing.T) *Pool {
	t.Helper()
	p, err := NewPool(Options{Policy: &Policy{}, RequestTimeout: time.Second, ConnectTimeout: time.Second})
	if err != nil {
		t.Fatalf("NewPool: %v", err)
	}
	t.Cleanup(p.Close)
	return p
}

func tlsSettings(key string) TLS {
	return TLS{Key: key, Config: func() (*tls.Config, error) { return &tls.Config{MinVersion: tls.VersionTLS12}, nil }}
}

func transportOptions(key string) TransportOptions {
	return TransportOptions{TLS: tlsSettings(key), OthersTLS: tlsSettings(key)}
}

// Trust is a part of the key: a connection that is made for a trusted host serves no request without that trust.
func TestHostsWithOneKeyAndOneTrustShareATransport(t *testing.T) {
	t.Parallel()
	p := newTestPool(t)
	options := map[string]TransportOptions{"a": transportOptions("a"), "b": transportOptions("b")}
	trusted, plain, patient := transportOptions("a"), transportOptions("a"), transportOptions("a")
	trusted.Trusted, plain.PlainHTTP = Origins{"https://r.example:443"}, Origins{"https://r.example:443"}
	patient.DialTimeout = time.Minute
	options["a, trusted"], options["a, plain"], options["a, patient"] = trusted, plain, patient
	made := map[*transport]bool{}
	for range 2 {
		for name, o := range options {
			single, err := p.transport(o, o.TLS)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			made[single] = true
		}
	}
	if len(made) != len(options) {
		t.Errorf("got %d transports, want %d", len(made), len(options))
	}
}

func TestTransportsAreBounded(t *testing.T) {
	t.Parallel()
	p := newTestPool(t)
	for i := range maxTransports + 1 {
		if _, err := p.Transports(transportOptions(fmt.Sprint(i))); err != nil {
			t.Fatalf("Transports: %v", err)
		}
	}
	if got := p.transports.Len(); got != maxTransports {
		t.Errorf("got %d transports, want %d", got, maxTransports)
	}
}

func TestTransportsReturnsTheErrorOfTLS(t *testing.T) {
	t.Parallel()
	want := errors.New("no certificate")
	broken := TLS{Key: "x", Config: func() (*tls.Config, error) { return nil, want }}
	for name, o := range map[string]TransportOptions{
		"of the host":    {TLS: broken, OthersTLS: tlsSettings("y")},
		"of other hosts": {TLS: tlsSettings("y"), OthersTLS: broken},
	} {
		if _, err := newTestPool(t).Transports(o); !errors.Is(err, want) {
			t.Errorf("%s: got error %v, want %v", name, err, want)
		}
	}
}
