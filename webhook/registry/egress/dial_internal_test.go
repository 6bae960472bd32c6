package egress

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestAbsoluteNames(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"ghcr.io:443":            "ghcr.io.:443",
		"ghcr.io.:443":           "ghcr.io.:443",
		"registry.example:5000":  "registry.example.:5000",
		"10.0.0.1:443":           "10.0.0.1:443",
		"[fd00::1]:443":          "[fd00::1]:443",
		"[fe80::1%eth0.1]:443":   "[fe80::1%eth0.1]:443",
		"registry:5000":          "registry:5000",          // in the operator's files
		"registry.shop.svc:5000": "registry.shop.svc:5000", // the same
		"localhost:80":           "localhost:80",
	} {
		if got := absolute(address); got != want {
			t.Errorf("absolute(%q) = %q, want %q", address, got, want)
		}
	}
}

// Only the dialler sees the absolute name: TLS and the Host header keep the name without the dot.
func TestAbsoluteNamesAreForTheResolverOnly(t *testing.T) {
	t.Parallel()
	received := make(chan [2]string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		received <- [2]string{r.Host, r.TLS.ServerName}
	}))
	server.StartTLS() // its certificate is for example.com
	t.Cleanup(server.Close)
	config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	var dialled string
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = absolute(address)
		var d net.Dialer
		return d.DialContext(ctx, network, server.Listener.Addr().String())
	}
	transport := newHTTPTransport(Options{ConnectTimeout: time.Minute, RequestTimeout: time.Minute}, time.Minute, dial, withoutName(config))
	t.Cleanup(transport.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatalf("RoundTrip: %v", err)
	}
	_ = resp.Body.Close()
	if got, want := <-received, [2]string{"example.com", "example.com"}; got != want || dialled != "example.com.:443" {
		t.Errorf("got host and server name %v, dialled %s; want %v, dialled example.com.:443", got, dialled, want)
	}
}

func withoutName(c *tls.Config) *tls.Config {
	c.ServerName = ""
	return c
}
