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

func transportOptions(key string) TransportOptions {
	return TransportOptions{Key: key, TLS: func() (*tls.Config, error) { return &tls.Config{MinVersion: tls.VersionTLS12}, nil }}
}

// Trust is a part of the key: a connection that is made for a trusted host serves no request without that trust.
func TestHostsWithOneKeyAndOneTrustShareATransport(t *testing.T) {
	t.Parallel()
	p := newTestPool(t)
	options := map[string]TransportOptions{"a": transportOptions("a"), "b": transportOptions("b")}
	trusted, plain := transportOptions("a"), transportOptions("a")
	trusted.Trusted, plain.PlainHTTP = Origins{"https://r.example:443"}, Origins{"https://r.example:443"}
	options["a, trusted"], options["a, plain"] = trusted, plain
	made := map[*transport]bool{}
	for range 2 {
		for name, o := range options {
			single, err := p.transport(o)
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
	_, err := newTestPool(t).Transports(TransportOptions{Key: "x", TLS: func() (*tls.Config, error) { return nil, want }})
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}
