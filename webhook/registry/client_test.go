package registry_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestInstrumentSeesEveryRequest(t *testing.T) {
	t.Parallel()
	var seen []string
	w := newFixture(t, bearer(), func(o *registry.Options) {
		o.Instrument = func(next http.RoundTripper) http.RoundTripper {
			return roundTripFunc(func(req *http.Request) (*http.Response, error) {
				seen = append(seen, req.Method)
				return next.RoundTrip(req)
			})
		}
	})
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	if len(seen) != len(w.Requests()) {
		t.Errorf("got %v, want what the registry received:\n%s", seen, w.RequestSummary())
	}
}

func TestCloseClosesIdleConnections(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 1)
	w := newFixture(t, testregistry.Config{}, func(o *registry.Options) {
		dial := o.DialContext
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return watchedConn{Conn: conn, closed: closed}, nil
		}
		o.Instrument = func(next http.RoundTripper) http.RoundTripper { return roundTripFunc(next.RoundTrip) }
	})
	wantVerdict(t, w.resolve(web, anonymous()), "Pullable")
	select {
	case <-closed:
		t.Fatal("the connection is closed already")
	default:
	}
	w.client.Close()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the connection is still open")
	}
}

func TestConnectionsAreShared(t *testing.T) {
	t.Parallel()
	dials := 0
	w := newFixture(t, bearer(), func(o *registry.Options) {
		dial := o.DialContext
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials++
			return dial(ctx, network, address)
		}
	})
	for range 3 {
		wantVerdict(t, w.resolve(web, alice()), "Pullable")
	}
	if dials != 1 {
		t.Errorf("got %d connections, want 1", dials)
	}
}

func BenchmarkResolveWarm(b *testing.B) {
	w := newFixture(b, bearer())
	ref, cred := reference(web), alice()
	wantVerdict(b, w.client.Resolve(b.Context(), ref, cred), "Pullable")
	b.ReportAllocs()
	for b.Loop() {
		w.client.Resolve(b.Context(), ref, cred)
	}
}
