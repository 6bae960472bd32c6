package egress

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestOnlyRequestsThatNeedItUseANewConnection(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var connections atomic.Int64
			closed := make(chan struct{}, 8)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }))
			server.EnableHTTP2 = http2
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				switch state {
				case http.StateNew:
					connections.Add(1)
				case http.StateClosed:
					closed <- struct{}{}
				default:
				}
			}
			server.StartTLS()
			defer server.Close()
			config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
			config.NextProtos = nil
			c := newConnections(newHTTPTransport(Options{ConnectTimeout: 10 * time.Second}, 10*time.Second, new(net.Dialer).DialContext, config))
			defer c.CloseIdleConnections()
			for i, step := range []struct {
				single bool
				want   int64 // connections so far
			}{{false, 1}, {false, 1}, {true, 2}, {true, 3}, {false, 3}} {
				ctx := t.Context()
				if step.single {
					ctx = WithNewConnection(ctx)
				}
				proto := get(ctx, t, c, server.URL)
				if (proto == "HTTP/2.0") != http2 || connections.Load() != step.want {
					t.Errorf("request %d: %d connections by %s, want %d by %s", i, connections.Load(), proto, step.want, name)
				}
			}
			for range 2 { // the test hangs here if a connection of a single request is kept
				<-closed
			}
		})
	}
}

func get(ctx context.Context, t *testing.T, rt http.RoundTripper, url string) (proto string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.Proto
}
