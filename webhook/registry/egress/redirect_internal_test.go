package egress

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

func TestSameNames(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"the same":           {"r.example", "r.example", true},
		"on another port":    {"r.example:5000", "r.example", true},
		"in capitals":        {"R.example", "r.EXAMPLE:443", true},
		"below it":           {"a.r.example", "r.example", false},
		"above it":           {"example", "r.example", false},
		"an address":         {"10.0.0.1:80", "10.0.0.1", true},
		"an IPv6 address":    {"[2001:db8::1]:5000", "[2001:db8::1]", true},
		"another of IPv6":    {"[2001:db8::2]", "[2001:db8::1]", false},
		"with a longer name": {"ar.example", "r.example", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := IsSameName(test.a, test.b); got != test.want {
				t.Errorf("IsSameName(%q, %q) = %t, want %t", test.a, test.b, got, test.want)
			}
		})
	}
}

func TestRedirectionOf(t *testing.T) {
	t.Parallel()
	request := func(address string, header http.Header, before *http.Request) *http.Request {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{URL: u, Header: header}
		if before != nil {
			r.Response = &http.Response{Request: before}
		}
		return r
	}
	first := request("https://r.example/v2/a", http.Header{"Authorization": {"x"}, "Accept": {"y"}}, nil)
	kept := http.Header{"Authorization": {"x"}, "Accept": {"y"}, "Referer": {"z"}}
	lost := http.Header{"Accept": {"y"}}
	away := request("https://s.example/", lost, first)
	tests := map[string]struct {
		last *http.Request
		want Redirection
	}{
		"none":               {first, Redirection{Authorized: true}},
		"to another path":    {request("https://r.example/b", kept, first), Redirection{Authorized: true}},
		"to another port":    {request("https://r.example:8443/", kept, first), Redirection{Foreign: true, Authorized: true}},
		"to another host":    {away, Redirection{Foreign: true, Withheld: true}},
		"there and back":     {request("https://r.example/c", kept, away), Redirection{Authorized: true}},
		"without a password": {request("https://s.example/", lost, request("https://r.example/", lost, nil)), Redirection{Foreign: true}},
		"without a configured header": {
			request("https://s.example/", lost, request("https://r.example/", http.Header{"X-Key": {"k"}, "Accept": {"y"}}, nil)),
			Redirection{Foreign: true, Withheld: true},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := RedirectionOf(&http.Response{Request: test.last}); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// The target of a redirect does not get the address that redirected, or a cookie of another server.
func TestRedirectsCarryNoRefererAndNoCookies(t *testing.T) {
	t.Parallel()
	received := make(chan http.Header, 8)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received <- r.Header
		w.Header().Set("Set-Cookie", "session=secret; Path=/")
		if r.URL.Path == "/secret/name" {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(server.Close)
	p, err := NewPool(Options{Policy: mustPolicy(t, Rules{Allow: []string{"127.0.0.1"}}), RequestTimeout: time.Minute, ConnectTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	trust := TLS{Key: "x", Config: func() (*tls.Config, error) {
		return server.Client().Transport.(*http.Transport).TLSClientConfig.Clone(), nil
	}}
	transports, err := p.Transports(TransportOptions{TLS: trust, OthersTLS: trust, DialTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for name, rt := range map[string]http.RoundTripper{"content": transports.Content, "token": transports.Token, "content again": transports.Content} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/secret/name", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = resp.Body.Close()
		for range 2 {
			header := <-received
			if header.Get("Referer") != "" || header.Get("Cookie") != "" {
				t.Errorf("%s: got Referer %q and Cookie %q", name, header.Get("Referer"), header.Get("Cookie"))
			}
		}
	}
}
