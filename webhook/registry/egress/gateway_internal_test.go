package egress

import (
	"crypto/tls"
	"errors"
	"fmt"
	"testing"
	"time"
)

func newGateway(t *testing.T) *Gateway {
	t.Helper()
	g, err := New(Options{RequestTimeout: time.Second, ConnectTimeout: time.Second})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(g.Close)
	return g
}

func destination(key string) Destination {
	tlsOf := func() (*tls.Config, error) { return &tls.Config{MinVersion: tls.VersionTLS12}, nil }
	return Destination{OtherTLS: tlsOf, PoolKey: key, TLS: func() (*tls.Config, error) { return &tls.Config{MinVersion: tls.VersionTLS12}, nil }}
}

func TestDestinationsWithOneKeyShareAPool(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	pools := map[*pool]bool{}
	for _, key := range []string{"a", "b", "a"} {
		p, err := g.pool(destination(key))
		if err != nil {
			t.Fatalf("pool: %v", err)
		}
		pools[p] = true
	}
	if len(pools) != 2 {
		t.Errorf("got %d pools, want 2", len(pools))
	}
}

func TestPoolsAreBounded(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	for i := range maxPools + 1 {
		if _, err := g.Connect(destination(fmt.Sprint(i))); err != nil {
			t.Fatalf("Connect: %v", err)
		}
	}
	if got := g.pools.Len(); got != maxPools {
		t.Errorf("got %d pools, want %d", got, maxPools)
	}
}

func TestConnectReturnsTheErrorOfTLS(t *testing.T) {
	t.Parallel()
	want := errors.New("no certificate")
	_, err := newGateway(t).Connect(Destination{PoolKey: "x", TLS: func() (*tls.Config, error) { return nil, want }})
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}
