package registry

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const manifestURL = "/v2/shop/web/manifests/1"

// withImage starts a server without authentication that has the image shop/web:1.
func withImage(t *testing.T, cfg Config) (s *Server, digest string) {
	t.Helper()
	s = start(t, cfg)
	return s, pushImage(t, s, "shop/web:1")
}

func TestFaultMatches(t *testing.T) {
	t.Parallel()
	byHeader := func(r *http.Request) bool { return r.Header.Get("X-Test") == "yes" }
	tests := map[string]struct {
		fault Fault
		q     request
		hit   bool
	}{
		"every request":             {q: request{path: "/v2/"}, hit: true},
		"the path":                  {fault: Fault{Path: manifestURL}, q: request{path: manifestURL}, hit: true},
		"a pattern":                 {fault: Fault{Path: "/v2/*/*/manifests/*"}, q: request{path: manifestURL}, hit: true},
		"another path":              {fault: Fault{Path: "/v2/shop/web/blobs/*"}, q: request{path: manifestURL}},
		"the method":                {fault: Fault{Method: "HEAD"}, q: request{method: "HEAD", path: manifestURL}, hit: true},
		"another method":            {fault: Fault{Method: "GET"}, q: request{method: "HEAD", path: manifestURL}},
		"Match accepts":             {fault: Fault{Match: byHeader}, q: request{path: manifestURL, header: http.Header{"X-Test": {"yes"}}}, hit: true},
		"Match rejects":             {fault: Fault{Match: byHeader}, q: request{path: manifestURL}},
		"every selector must match": {fault: Fault{Path: manifestURL, Method: "GET", Match: byHeader}, q: request{path: manifestURL}},
		"a path outside the API":    {fault: Fault{Path: "/x"}, q: request{path: "/x"}, hit: true},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := withImage(t, Config{})
			tt.fault.Status = http.StatusServiceUnavailable
			s.Fault(tt.fault)
			resp := send(t, s, tt.q)
			if got := resp.StatusCode == http.StatusServiceUnavailable; got != tt.hit {
				t.Errorf("got status %d, want hit = %t", resp.StatusCode, tt.hit)
			}
		})
	}
}

func TestFaultsAreRemovedAndSpent(t *testing.T) {
	t.Parallel()
	s, _ := withImage(t, Config{})
	get := func(want int) {
		t.Helper()
		send(t, s, request{path: manifestURL}).wantStatus(t, want, "")
	}
	first := s.Fault(Fault{Status: 500})
	second := s.Fault(Fault{Status: 502, Times: 2})
	get(500)
	first()
	first()
	get(502)
	get(502)
	get(200)
	second()
	get(200)
	twice := Fault{Status: 503, Times: 1}
	s.Fault(twice)
	s.Fault(twice)
	get(503)
	get(503)
	get(200)
}

func TestFaultAfterAuth(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBasic})
	s.Fault(Fault{AfterAuth: true, Redirect: "https://blobs.example"})
	send(t, s, request{path: manifestURL}).wantStatus(t, http.StatusUnauthorized, "")
	send(t, s, request{path: manifestURL, username: "alice", password: alicePassword}).
		wantStatus(t, http.StatusTemporaryRedirect, "")
	s.Fault(Fault{Status: 503})
	send(t, s, request{path: manifestURL}).wantStatus(t, http.StatusServiceUnavailable, "")
}

func TestFaultOnTheTokenService(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer})
	s.Fault(Fault{Path: "/token", Method: http.MethodPost, Body: `{"expires_in":60}`})
	if got := send(t, s, post(form(nil))).token(t); got.Token != "" || got.AccessToken != "" {
		t.Error("the faulty reply has a token")
	}
}

func TestFaultResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault  Fault
		status int
		body   string
		header map[string]string
	}{
		"a status": {fault: Fault{Status: 503}, status: 503},
		"a status, a header and a body": {
			fault:  Fault{Status: 429, Header: http.Header{"retry-after": {"7"}}, Body: "slow down"},
			status: 429, body: "slow down", header: map[string]string{"Retry-After": "7", "Content-Length": "9"},
		},
		"a body": {
			fault:  Fault{Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}},
			status: 200, body: "<html>", header: map[string]string{"Content-Type": "text/html"},
		},
		"a redirect to a host": {
			fault: Fault{Redirect: "https://mirror.example"}, status: 307,
			header: map[string]string{"Location": "https://mirror.example" + manifestURL + "?ns=x"},
		},
		"a permanent redirect to a path": {
			fault: Fault{Redirect: "https://mirror.example/there", Status: 308}, status: 308,
			header: map[string]string{"Location": "https://mirror.example/there"},
		},
		"a redirect to an invalid URL": {
			fault: Fault{Redirect: "://"}, status: 307, header: map[string]string{"Location": "://"},
		},
		"a redirect to itself": {
			fault: Fault{RedirectLoop: true}, status: 307, header: map[string]string{"Location": manifestURL + "?ns=x"},
		},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := withImage(t, Config{})
			s.Fault(tt.fault)
			resp := send(t, s, request{path: manifestURL + "?ns=x"})
			resp.wantStatus(t, tt.status, "")
			if resp.body != tt.body {
				t.Errorf("got body %q, want %q", resp.body, tt.body)
			}
			for name, want := range tt.header {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("got %s %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestFaultChangesHeaders covers both protocols, because net/http adds default headers in a different place in each.
func TestFaultChangesHeaders(t *testing.T) {
	t.Parallel()
	dropped := []string{"Content-Type", "Docker-Content-Digest", "Content-Length"}
	tests := map[string]struct {
		fault  Fault
		method string
		want   map[string]bool
	}{
		"GET without headers":  {fault: Fault{DropHeader: dropped}, method: http.MethodGet},
		"HEAD without headers": {fault: Fault{DropHeader: dropped}, method: http.MethodHead},
		"header names in lower case": {
			fault: Fault{DropHeader: []string{"content-type"}}, method: http.MethodGet,
			want: map[string]bool{"Docker-Content-Digest": true, "Content-Length": true},
		},
		"a fault's own body without headers": {fault: Fault{Body: "<html>", DropHeader: dropped}, method: http.MethodGet},
	}
	for title, tt := range tests {
		for proto, cfg := range map[string]Config{"HTTP/2": {}, "HTTP/1.1": {PlainHTTP: true}} {
			t.Run(title+" over "+proto, func(t *testing.T) {
				t.Parallel()
				s, _ := withImage(t, cfg)
				s.Fault(tt.fault)
				resp := send(t, s, request{method: tt.method, path: manifestURL})
				resp.wantStatus(t, http.StatusOK, "")
				for _, name := range dropped {
					if _, got := resp.Header[name]; got != tt.want[name] {
						t.Errorf("has %s = %t, want %t: %q", name, got, tt.want[name], resp.Header.Values(name))
					}
				}
				if tt.method == http.MethodGet && resp.body == "" {
					t.Error("the body is missing too")
				}
			})
		}
	}
}

func TestFaultSetsAWrongHeader(t *testing.T) {
	t.Parallel()
	s, digest := withImage(t, Config{})
	wrong := "sha256:" + strings.Repeat("0", 64)
	s.Fault(Fault{Header: http.Header{"Docker-Content-Digest": {wrong}}, Times: 1})
	if got := send(t, s, request{path: manifestURL}).Header.Values("Docker-Content-Digest"); !cmp.Equal(got, []string{wrong}) {
		t.Errorf("got digest %q, want %q alone", got, wrong)
	}
	if got := send(t, s, request{path: manifestURL}).Header.Get("Docker-Content-Digest"); got != digest {
		t.Errorf("after the fault: got digest %q, want %q", got, digest)
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault    Fault
		want     string
		complete bool
	}{
		"in the middle":          {fault: Fault{Truncate: 4}, want: "0123"},
		"at the start":           {fault: Fault{Truncate: -1}},
		"after the end":          {fault: Fault{Truncate: 11}, want: "0123456789", complete: true},
		"at the end":             {fault: Fault{Truncate: 10}, want: "0123456789", complete: true},
		"the fault's own body":   {fault: Fault{Truncate: 2, Body: "abcd"}, want: "ab"},
		"without Content-Length": {fault: Fault{Truncate: 4, DropHeader: []string{"Content-Length"}}, want: "0123"},
	}
	for title, tt := range tests {
		for proto, cfg := range map[string]Config{"HTTP/2": {}, "HTTP/1.1": {PlainHTTP: true}} {
			t.Run(title+" over "+proto, func(t *testing.T) {
				t.Parallel()
				s := start(t, cfg)
				digest, err := s.PushBlob("shop/web", []byte("0123456789"))
				if err != nil {
					t.Fatalf("PushBlob: %v", err)
				}
				s.Fault(tt.fault)
				resp, err := trySend(t, s, request{path: "/v2/shop/web/blobs/" + digest})
				if got := err == nil; got != tt.complete {
					t.Errorf("got error %v, want complete = %t", err, tt.complete)
				}
				if resp.body != tt.want {
					t.Errorf("got body %q, want %q", resp.body, tt.want)
				}
				head := send(t, s, request{method: http.MethodHead, path: "/v2/shop/web/blobs/" + digest})
				head.wantStatus(t, http.StatusOK, "")
			})
		}
	}
}
