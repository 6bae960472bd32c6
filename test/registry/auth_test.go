package registry

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// startWithAccounts starts a server with the accounts alice, who may pull shop/*, and bob, who may pull no
// repository. The repository library/open is public. The server has the images shop/web:1 and library/open:1.
func startWithAccounts(t *testing.T, cfg Config) (*Server, *Network) {
	t.Helper()
	cfg.Accounts = []Account{alice(), bob()}
	cfg.Public = []string{"library/*"}
	s, n := startNamed(t, cfg)
	pushImage(t, s, "shop/web:1")
	pushImage(t, s, "library/open:1")
	return s, n
}

func TestBasic(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cfg            Config
		path           string
		username       string
		password       string
		want           int
		code           string
		wantChallenged bool
	}{
		"anonymous ping":                           {path: "/v2/", want: 401, code: "UNAUTHORIZED", wantChallenged: true},
		"ping by bob":                              {path: "/v2/", username: "bob", password: bobPassword, want: 200},
		"anonymous pull":                           {path: "/v2/shop/web/manifests/1", want: 401, code: "UNAUTHORIZED", wantChallenged: true},
		"anonymous pull of a missing repository":   {path: "/v2/shop/gone/manifests/1", want: 401, code: "UNAUTHORIZED", wantChallenged: true},
		"alice pulls":                              {path: "/v2/shop/web/manifests/1", username: "alice", password: alicePassword, want: 200},
		"alice pulls a missing repository":         {path: "/v2/shop/gone/manifests/1", username: "alice", password: alicePassword, want: 404, code: "NAME_UNKNOWN"},
		"alice with a wrong password":              {path: "/v2/shop/web/manifests/1", username: "alice", password: "x", want: 401, wantChallenged: true},
		"an unauthenticated account":               {path: "/v2/shop/web/manifests/1", username: "eve", password: "x", want: 401, wantChallenged: true},
		"bob pulls":                                {path: "/v2/shop/web/manifests/1", username: "bob", password: bobPassword, want: 403, code: "DENIED"},
		"bob pulls a missing repository":           {path: "/v2/shop/gone/manifests/1", username: "bob", password: bobPassword, want: 403, code: "DENIED"},
		"anonymous pull of a public repository":    {path: "/v2/library/open/manifests/1", want: 200},
		"a wrong password for a public repository": {path: "/v2/library/open/manifests/1", username: "alice", password: "x", want: 401, wantChallenged: true},
		"a challenged public repository, without an account": {
			cfg: Config{ChallengePublic: true}, path: "/v2/library/open/manifests/1", want: 401, wantChallenged: true,
		},
		"a challenged public repository, with bob's account": {
			cfg:  Config{ChallengePublic: true},
			path: "/v2/library/open/manifests/1", username: "bob", password: bobPassword, want: 200,
		},
		"denials with 401": {
			cfg:  Config{DenyStatus: 401},
			path: "/v2/shop/web/manifests/1", username: "bob", password: bobPassword, want: 401, wantChallenged: true,
		},
		"denials with 404": {
			cfg:  Config{DenyStatus: 404},
			path: "/v2/shop/web/manifests/1", username: "bob", password: bobPassword, want: 404, code: "NAME_UNKNOWN",
		},
		"a missing repository, revealed": {
			cfg:  Config{RevealMissing: true},
			path: "/v2/shop/gone/manifests/1", username: "bob", password: bobPassword, want: 404, code: "NAME_UNKNOWN",
		},
		"an existing repository, with RevealMissing": {
			cfg:  Config{RevealMissing: true},
			path: "/v2/shop/web/manifests/1", username: "bob", password: bobPassword, want: 403, code: "DENIED",
		},
		"the catalog does not exist":         {path: "/v2/_catalog", username: "alice", password: alicePassword, want: 404},
		"a path without a tag":               {path: "/v2/shop/web/manifests/", username: "bob", password: bobPassword, want: 403},
		"a blob path that ends with a slash": {path: "/v2/shop/web/blobs/sha256:0/", username: "bob", password: bobPassword, want: 404},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Auth = AuthBasic
			s, _ := startWithAccounts(t, tt.cfg)
			resp := send(t, s, request{path: tt.path, username: tt.username, password: tt.password})
			resp.wantStatus(t, tt.want, tt.code)
			want := ""
			if tt.wantChallenged {
				want = `Basic realm="Registry"`
			}
			if got := resp.Header.Get("WWW-Authenticate"); got != want {
				t.Errorf("got challenge %q, want %q", got, want)
			}
		})
	}
}

func TestAccountsCannotWrite(t *testing.T) {
	t.Parallel()
	for title, auth := range map[string]Auth{"basic": AuthBasic, "bearer": AuthBearer} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := startWithAccounts(t, Config{Auth: auth})
			send(t, s, request{method: http.MethodDelete, path: "/v2/library/open/manifests/1"}).
				wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
			authenticated := request{method: http.MethodDelete, path: "/v2/shop/web/manifests/1"}
			if auth == AuthBasic {
				authenticated.username, authenticated.password = "alice", alicePassword
			} else {
				authenticated.token = tokenFor(t, s, alice(), "shop/web")
			}
			send(t, s, authenticated).wantStatus(t, http.StatusMethodNotAllowed, "UNSUPPORTED")
		})
	}
}

func TestBearerChallenge(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cfg  Config
		path string
		want func(s *Server) string
	}{
		"for the version": {path: "/v2/", want: func(s *Server) string {
			return `Bearer realm="` + s.URL() + `/token",service="registry.test"`
		}},
		"for a repository": {path: "/v2/shop/web/manifests/1", want: func(s *Server) string {
			return `Bearer realm="` + s.URL() + `/token",service="registry.test",scope="repository:shop/web:pull"`
		}},
		"with a realm, a service and a path": {
			cfg:  Config{Token: TokenConfig{Realm: "https://auth.example/t", Service: "s", Path: "/ignored"}},
			path: "/v2/shop/web/tags/list",
			want: func(*Server) string {
				return `Bearer realm="https://auth.example/t",service="s",scope="repository:shop/web:pull"`
			},
		},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Auth = AuthBearer
			s, _ := startWithAccounts(t, tt.cfg)
			resp := send(t, s, request{path: tt.path})
			resp.wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
			if got, want := resp.Header.Get("WWW-Authenticate"), tt.want(s); got != want {
				t.Errorf("got challenge %s, want %s", got, want)
			}
		})
	}
}

func TestBearerRealmOfAPlainHTTPServer(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Auth: AuthBearer, PlainHTTP: true})
	resp := send(t, s, request{path: "/v2/"})
	want := `Bearer realm="` + s.URL() + `/token",service="registry.test"`
	if got := resp.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("got challenge %s, want %s", got, want)
	}
}

// TestBearerPulls runs a real client library through challenge, token and manifest.
func TestBearerPulls(t *testing.T) {
	t.Parallel()
	wrong := Account{Username: "alice", Password: "x"}
	tests := map[string]struct {
		cfg     Config
		ref     string
		account Account
		want    int // zero: the pull succeeds
		code    transport.ErrorCode
	}{
		"alice":                                     {ref: "shop/web:1", account: alice()},
		"alice, a repository without permission":    {ref: "other/web:1", account: alice(), want: 401},
		"alice, a missing tag":                      {ref: "shop/web:gone", account: alice(), want: 404},
		"alice, a wrong password":                   {ref: "shop/web:1", account: wrong, want: 401},
		"bob":                                       {ref: "shop/web:1", account: bob(), want: 401},
		"bob, a missing repository":                 {ref: "shop/gone:1", account: bob(), want: 401},
		"bob, denied with 403":                      {cfg: Config{DenyStatus: 403}, ref: "shop/web:1", account: bob(), want: 403},
		"bob, denied with 404":                      {cfg: Config{DenyStatus: 404}, ref: "shop/web:1", account: bob(), want: 404},
		"anonymous":                                 {ref: "shop/web:1", want: 401},
		"anonymous, a public repository":            {ref: "library/open:1"},
		"anonymous, a challenged public repository": {cfg: Config{ChallengePublic: true}, ref: "library/open:1"},
		"bob, a challenged public repository":       {cfg: Config{ChallengePublic: true}, ref: "library/open:1", account: bob()},
		"a stale password for a public repository": {
			cfg: Config{ChallengePublic: true}, ref: "library/open:1", account: wrong, want: 401,
		},
		"a missing repository, revealed": {cfg: Config{RevealMissing: true}, ref: "shop/gone:1", account: bob(), want: 404},
		"an existing repository, with RevealMissing": {
			cfg: Config{RevealMissing: true}, ref: "shop/web:1", account: bob(), want: 401,
		},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Auth = AuthBearer
			s, n := startWithAccounts(t, tt.cfg)
			_, err := head(t, n, tt.ref, tt.account)
			var transportErr *transport.Error
			switch {
			case tt.want == 0 && err != nil:
				t.Errorf("got error %v\n%s", err, s.RequestSummary())
			case tt.want != 0 && (!errors.As(err, &transportErr) || transportErr.StatusCode != tt.want):
				t.Errorf("got error %v, want status %d\n%s", err, tt.want, s.RequestSummary())
			}
		})
	}
}

func TestPublicRepositoryNeedsNoToken(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer})
	send(t, s, request{path: "/v2/library/open/manifests/1"}).wantStatus(t, http.StatusOK, "")
	scopeless := tokenFor(t, s, bob())
	send(t, s, request{path: "/v2/library/open/manifests/1", token: scopeless}).wantStatus(t, http.StatusOK, "")
	send(t, s, request{path: "/v2/library/open/manifests/1", token: "forged"}).wantStatus(t, http.StatusUnauthorized, "")
}

func TestBearerToken(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "Basic abc": "", "Bearer": "", "": "",
	} {
		if got := bearerToken(&http.Request{Header: http.Header{"Authorization": {header}}}); got != want {
			t.Errorf("bearerToken of %q: got %q, want %q", header, got, want)
		}
	}
}
