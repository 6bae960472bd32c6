package registry

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// secured starts a server with alice, who may pull shop/*, bob, who may pull nothing, and the public repository
// library/open; it holds shop/web:1 and library/open:1.
func secured(t *testing.T, cfg Config) (*Server, *Network) {
	t.Helper()
	cfg.Accounts = []Account{alice(), bob()}
	cfg.Public = []string{"library/*"}
	s, n := named(t, cfg)
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
		"nobody asks for the version":     {path: "/v2/", want: 401, code: "UNAUTHORIZED", wantChallenged: true},
		"bob asks for the version":        {path: "/v2/", username: "bob", password: bobPassword, want: 200},
		"nobody pulls":                    {path: "/v2/shop/web/manifests/1", want: 401, code: "UNAUTHORIZED", wantChallenged: true},
		"nobody pulls what is missing":    {path: "/v2/shop/gone/manifests/1", want: 401, code: "UNAUTHORIZED", wantChallenged: true},
		"alice pulls":                     {path: "/v2/shop/web/manifests/1", username: "alice", password: alicePassword, want: 200},
		"alice pulls what is missing":     {path: "/v2/shop/gone/manifests/1", username: "alice", password: alicePassword, want: 404, code: "NAME_UNKNOWN"},
		"alice with a wrong password":     {path: "/v2/shop/web/manifests/1", username: "alice", password: "x", want: 401, wantChallenged: true},
		"somebody unknown":                {path: "/v2/shop/web/manifests/1", username: "eve", password: "x", want: 401, wantChallenged: true},
		"bob pulls":                       {path: "/v2/shop/web/manifests/1", username: "bob", password: bobPassword, want: 403, code: "DENIED"},
		"bob pulls what is missing":       {path: "/v2/shop/gone/manifests/1", username: "bob", password: bobPassword, want: 403, code: "DENIED"},
		"nobody pulls what is public":     {path: "/v2/library/open/manifests/1", want: 200},
		"a wrong password for the public": {path: "/v2/library/open/manifests/1", username: "alice", password: "x", want: 401, wantChallenged: true},
		"the public, challenged": {
			cfg: Config{ChallengePublic: true}, path: "/v2/library/open/manifests/1", want: 401, wantChallenged: true,
		},
		"the public, challenged, for bob": {
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
		"what is missing, revealed": {
			cfg:  Config{RevealMissing: true},
			path: "/v2/shop/gone/manifests/1", username: "bob", password: bobPassword, want: 404, code: "NAME_UNKNOWN",
		},
		"what is there, where the missing is revealed": {
			cfg:  Config{RevealMissing: true},
			path: "/v2/shop/web/manifests/1", username: "bob", password: bobPassword, want: 403, code: "DENIED",
		},
		"the catalog is nobody's":   {path: "/v2/_catalog", username: "alice", password: alicePassword, want: 404},
		"a path that is none":       {path: "/v2/shop/web/manifests/", username: "bob", password: bobPassword, want: 403},
		"a blob with a slash after": {path: "/v2/shop/web/blobs/sha256:0/", username: "bob", password: bobPassword, want: 404},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Auth = AuthBasic
			s, _ := secured(t, tt.cfg)
			a := ask(t, s, request{path: tt.path, username: tt.username, password: tt.password})
			a.wantStatus(t, tt.want, tt.code)
			want := ""
			if tt.wantChallenged {
				want = `Basic realm="Registry"`
			}
			if got := a.Header.Get("WWW-Authenticate"); got != want {
				t.Errorf("got challenge %q, want %q", got, want)
			}
		})
	}
}

func TestNoWritesForAccounts(t *testing.T) {
	t.Parallel()
	for title, auth := range map[string]Auth{"basic": AuthBasic, "bearer": AuthBearer} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := secured(t, Config{Auth: auth})
			ask(t, s, request{method: http.MethodDelete, path: "/v2/library/open/manifests/1"}).
				wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
			known := request{method: http.MethodDelete, path: "/v2/shop/web/manifests/1"}
			if auth == AuthBasic {
				known.username, known.password = "alice", alicePassword
			} else {
				known.token = tokenFor(t, s, alice(), "shop/web")
			}
			ask(t, s, known).wantStatus(t, http.StatusMethodNotAllowed, "UNSUPPORTED")
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
			s, _ := secured(t, tt.cfg)
			a := ask(t, s, request{path: tt.path})
			a.wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
			if got, want := a.Header.Get("WWW-Authenticate"), tt.want(s); got != want {
				t.Errorf("got challenge %s, want %s", got, want)
			}
		})
	}
}

func TestBearerRealmOfAPlainServer(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Auth: AuthBearer, PlainHTTP: true})
	a := ask(t, s, request{path: "/v2/"})
	want := `Bearer realm="` + s.URL() + `/token",service="registry.test"`
	if got := a.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("got challenge %s, want %s", got, want)
	}
}

// TestBearerPulls has a real client library go all the way through challenge, token and manifest.
func TestBearerPulls(t *testing.T) {
	t.Parallel()
	wrong := Account{Username: "alice", Password: "x"}
	tests := map[string]struct {
		cfg     Config
		ref     string
		account Account
		want    int // zero: it pulls
		code    transport.ErrorCode
	}{
		"alice":                            {ref: "shop/web:1", account: alice()},
		"alice, a repository not hers":     {ref: "other/web:1", account: alice(), want: 401},
		"alice, a tag that is missing":     {ref: "shop/web:gone", account: alice(), want: 404},
		"alice, a wrong password":          {ref: "shop/web:1", account: wrong, want: 401},
		"bob":                              {ref: "shop/web:1", account: bob(), want: 401},
		"bob, a repository that is absent": {ref: "shop/gone:1", account: bob(), want: 401},
		"bob, denied with 403":             {cfg: Config{DenyStatus: 403}, ref: "shop/web:1", account: bob(), want: 403},
		"bob, denied with 404":             {cfg: Config{DenyStatus: 404}, ref: "shop/web:1", account: bob(), want: 404},
		"nobody":                           {ref: "shop/web:1", want: 401},
		"nobody, the public":               {ref: "library/open:1"},
		"nobody, the public, challenged":   {cfg: Config{ChallengePublic: true}, ref: "library/open:1"},
		"bob, the public, challenged":      {cfg: Config{ChallengePublic: true}, ref: "library/open:1", account: bob()},
		"a stale password spoils the public": {
			cfg: Config{ChallengePublic: true}, ref: "library/open:1", account: wrong, want: 401,
		},
		"what is missing, revealed": {cfg: Config{RevealMissing: true}, ref: "shop/gone:1", account: bob(), want: 404},
		"what is there, where the missing is revealed": {
			cfg: Config{RevealMissing: true}, ref: "shop/web:1", account: bob(), want: 401,
		},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Auth = AuthBearer
			s, n := secured(t, tt.cfg)
			_, err := head(t, n, tt.ref, tt.account)
			var answered *transport.Error
			switch {
			case tt.want == 0 && err != nil:
				t.Errorf("got error %v\n%s", err, s.RequestSummary())
			case tt.want != 0 && (!errors.As(err, &answered) || answered.StatusCode != tt.want):
				t.Errorf("got error %v, want status %d\n%s", err, tt.want, s.RequestSummary())
			}
		})
	}
}

func TestUnchallengedPublicNeedsNoToken(t *testing.T) {
	t.Parallel()
	s, _ := secured(t, Config{Auth: AuthBearer})
	ask(t, s, request{path: "/v2/library/open/manifests/1"}).wantStatus(t, http.StatusOK, "")
	scopeless := tokenFor(t, s, bob())
	ask(t, s, request{path: "/v2/library/open/manifests/1", token: scopeless}).wantStatus(t, http.StatusOK, "")
	ask(t, s, request{path: "/v2/library/open/manifests/1", token: "forged"}).wantStatus(t, http.StatusUnauthorized, "")
}
