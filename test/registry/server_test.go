package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func TestProtocols(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cfg    Config
		scheme string
		proto  string
		wantCA bool
	}{
		"TLS uses HTTP/2":          {scheme: "https://", proto: "HTTP/2.0", wantCA: true},
		"plain HTTP uses HTTP/1.1": {cfg: Config{PlainHTTP: true}, scheme: "http://", proto: "HTTP/1.1"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, tt.cfg)
			if want := tt.scheme + s.Addr(); s.URL() != want {
				t.Errorf("URL() = %q, want %q", s.URL(), want)
			}
			if got := s.CA() != nil; got != tt.wantCA {
				t.Errorf("has a CA: got %t, want %t", got, tt.wantCA)
			}
			resp := send(t, s, request{path: "/v2/"})
			resp.wantStatus(t, http.StatusOK, "")
			if resp.Proto != tt.proto {
				t.Errorf("got %s, want %s", resp.Proto, tt.proto)
			}
			if got := resp.Header.Get("Docker-Distribution-API-Version"); got != "registry/2.0" {
				t.Errorf("got API version %q", got)
			}
		})
	}
}

func TestConfiguredNamesAreInTheCertificate(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	s := start(t, Config{CA: ca, Names: []string{"registry.example"}})
	var dialer net.Dialer
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, s.Addr())
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	for host, want := range map[string]bool{"registry.example": true, "other.example": false} {
		resp, err := (&http.Client{Transport: transport}).Get("https://" + host + "/v2/")
		if err == nil {
			resp.Body.Close()
		}
		if got := err == nil; got != want {
			t.Errorf("%s: got error %v, want ok = %t", host, err, want)
		}
	}
}

func TestCertificateContainsEachNameOnce(t *testing.T) {
	t.Parallel()
	s, n := startNamed(t, Config{})
	for _, name := range []string{"registry.example:5000", "other.example", "registry.example"} {
		if err := n.Add(name, s); err != nil {
			t.Fatalf("Add(%q): %v", name, err)
		}
	}
	leaf, err := x509.ParseCertificate(s.cert.Load().Certificate[0])
	if err != nil {
		t.Fatalf("ParseCertificate: %v", err)
	}
	if diff := cmp.Diff([]string{"localhost", "registry.example", "other.example"}, leaf.DNSNames); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestPathsOutsideTheAPIAreNotFound(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	send(t, s, request{path: "/"}).wantStatus(t, http.StatusNotFound, "")
	send(t, s, request{path: "/token"}).wantStatus(t, http.StatusNotFound, "")
}

func TestPlainHTTPServerRejectsTLS(t *testing.T) {
	t.Parallel()
	s := start(t, Config{PlainHTTP: true})
	resp, err := client(t, s).Get("https://" + s.Addr() + "/v2/")
	if err == nil {
		resp.Body.Close()
	}
	if !errors.Is(err, http.ErrSchemeMismatch) {
		t.Errorf("got error %v, want %v", err, http.ErrSchemeMismatch)
	}
}

func TestStartOnAGivenAddress(t *testing.T) {
	t.Parallel()
	first := start(t, Config{})
	second, err := Start(Config{Addr: first.Addr()})
	if err == nil {
		second.Close()
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Start on a port in use: got error %v, want EADDRINUSE", err)
	}
	first.Close()
	third := start(t, Config{Addr: first.Addr()})
	if third.Addr() != first.Addr() {
		t.Errorf("Addr() = %q, want %q", third.Addr(), first.Addr())
	}
}

func TestStopAndRestart(t *testing.T) {
	t.Parallel()
	s, n := startNamed(t, Config{Auth: AuthBearer, Accounts: []Account{alice()}})
	digest := pushImage(t, s, "shop/web:1.27")
	addr := s.Addr()

	s.Stop()
	s.Stop()
	if _, err := head(t, n, "shop/web:1.27", alice()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("while stopped: got error %v, want ECONNREFUSED", err)
	}
	pushImage(t, s, "shop/web:1.28")

	if err := s.Restart(); err != nil {
		t.Fatalf("Restart: %v", err)
	}
	if s.Addr() != addr {
		t.Errorf("after Restart: Addr() = %q, want %q", s.Addr(), addr)
	}
	got, err := head(t, n, "shop/web:1.27", alice())
	if err != nil || got != digest {
		t.Errorf("after Restart: got %q, %v, want %q", got, err, digest)
	}
	if _, err := head(t, n, "shop/web:1.28", alice()); err != nil {
		t.Errorf("pushed while stopped: got error %v", err)
	}
}

func TestRestartErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(t *testing.T, s *Server)
		want    string
	}{
		"a running server": {prepare: func(*testing.T, *Server) {}, want: "is running"},
		"a closed server":  {prepare: func(_ *testing.T, s *Server) { s.Close(); s.Close() }, want: "is closed"},
		"a port in use": {
			prepare: func(t *testing.T, s *Server) {
				s.Stop()
				start(t, Config{Addr: s.Addr()})
			},
			want: "in use",
		},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{})
			tt.prepare(t, s)
			err := s.Restart()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Restart: got error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestCloseEndsRequestsThatHang(t *testing.T) {
	t.Parallel()
	for title, cfg := range map[string]Config{"TLS": {}, "plain HTTP": {PlainHTTP: true}} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, cfg)
			arrived := make(chan struct{})
			s.Fault(Fault{Match: func(*http.Request) bool { close(arrived); return true }, Hang: true, Times: 1})
			failed := make(chan error, 1)
			go func() {
				resp, err := client(t, s).Get(s.URL() + "/v2/")
				if err == nil {
					resp.Body.Close()
				}
				failed <- err
			}()
			<-arrived
			s.Close()
			if err := <-failed; err == nil {
				t.Error("the hanging request got a response")
			}
			if got := s.Requests(); len(got) != 1 || got[0].Status != 0 {
				t.Errorf("got requests %v, want one without a response", got)
			}
		})
	}
}

func TestClientLibraryParsesErrors(t *testing.T) {
	t.Parallel()
	s, n := startNamed(t, Config{})
	pushImage(t, s, "shop/web:1.27")
	_, err := head(t, n, "shop/web:gone", Account{})
	var transportErr *transport.Error
	if !errors.As(err, &transportErr) || transportErr.StatusCode != http.StatusNotFound {
		t.Errorf("got error %v, want a 404", err)
	}
}
