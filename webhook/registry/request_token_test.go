package registry_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

const (
	refused = "AccessDenied: the credential from secret/shop/regcred is refused"
	stale   = "AccessDenied: the credential from secret/shop/stale is refused"
	private = "AccessDenied: the image is private or does not exist, and no pull secret is for it"
	noToken = "RegistryUnavailable: the token service gave no token; transient"
)

func TestTokenServicesThatRefusePOST(t *testing.T) {
	t.Parallel()
	final := map[int]string{
		http.StatusForbidden:           refused,
		http.StatusTooManyRequests:     "RateLimited: the token service limits the rate of requests",
		http.StatusInternalServerError: "RegistryUnavailable: the token service answered 500; transient",
		http.StatusTeapot:              "RegistryUnavailable: the token service answered 418",
	}
	for _, status := range []int{400, 401, 403, 404, 405, 418, 429, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			cfg := bearer()
			cfg.Token.RefusePost = status
			w := newWorld(t, cfg)
			want, isFinal := final[status]
			requests := []string{"HEAD shop/web:1 401", fmt.Sprintf("POST /token %d", status)}
			if !isFinal {
				want = "Pullable"
				requests = append(requests, "GET /token alice 200", "HEAD shop/web:1 token=alice 200")
			}
			wantVerdict(t, w.ask(web, alice()), want)
			wantWire(t, w.Server, requests...)
		})
	}
}

func TestCredentialsThatGiveNoAccess(t *testing.T) {
	t.Parallel()
	const first = "HEAD shop/web:1 401"
	empty := imagepull.Credential{Source: "secret/shop/empty"}
	userOnly := imagepull.Credential{Username: "alice", Source: "secret/shop/regcred"}
	passwordOnly := imagepull.Credential{Password: "identity token", Source: "secret/shop/empty"}
	holdsNone := "AccessDenied: the credential from secret/shop/empty holds no user and password"
	tests := map[string]struct {
		config testregistry.Config
		cred   imagepull.Credential
		want   string
		wire   []string
		login  bool // failed
	}{
		"bearer, wrong password": {
			config: bearer(), cred: mallory(), want: stale,
			wire: []string{first, "POST /token mallory 401", "GET /token mallory 401"}, login: true,
		},
		"bearer, nobody": {
			config: bearer(), cred: anonymous(), want: private,
			wire: []string{first, "GET /token 200", "HEAD shop/web:1 token= 401"},
		},
		"bearer, nobody by an empty entry": {
			config: bearer(), cred: empty, want: holdsNone,
			wire: []string{first, "GET /token 200", "HEAD shop/web:1 token= 401"},
		},
		"bearer, a user without password is nobody": {
			config: bearer(), cred: userOnly, want: refused,
			wire: []string{first, "GET /token 200", "HEAD shop/web:1 token= 401"},
		},
		"bearer, a password without user is nobody": {
			config: bearer(), cred: passwordOnly, want: holdsNone,
			wire: []string{first, "GET /token 200", "HEAD shop/web:1 token= 401"},
		},
		"basic, wrong password": {
			config: basic(), cred: mallory(), want: stale,
			wire: []string{first, "HEAD shop/web:1 mallory 401"}, login: true,
		},
		"basic, nobody":                   {config: basic(), cred: anonymous(), want: private, wire: []string{first}},
		"basic, nobody by an empty entry": {config: basic(), cred: empty, want: holdsNone, wire: []string{first}},
		"basic, no password":              {config: basic(), cred: userOnly, want: refused, wire: []string{first}},
		"basic, no user":                  {config: basic(), cred: passwordOnly, want: holdsNone, wire: []string{first}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.config)
			v := w.ask(web, test.cred)
			wantVerdict(t, v, test.want)
			if v.LoginFailed != test.login || v.Origin != imagepull.OriginRegistry {
				t.Errorf("login failed: %v, from %s; want %v, from the registry", v.LoginFailed, v.Origin, test.login)
			}
			wantWire(t, w.Server, test.wire...)
		})
	}
}

func TestAccountsWithoutThePullScope(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		cfg := bearer()
		cfg.DenyStatus = status
		w := newWorld(t, cfg)
		w.push("other/web:1")
		v := w.ask(host+"/other/web:1", alice())
		wantVerdict(t, v, refused)
		if v.LoginFailed {
			t.Error("the login counts as failed, want only the access to be refused")
		}
		wantWire(t, w.Server, "HEAD other/web:1 401", "POST /token alice 200",
			fmt.Sprintf("HEAD other/web:1 token=alice %d", status))
	}
}

func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		// post and get are what comes of the answer to a password's POST and to nobody's GET: a refusal where the token
		// reached the registry.
		post, get string
	}{
		"access_token":               {`{"access_token":"x"}`, refused, private},
		"token":                      {`{"token":"x"}`, noToken, private},
		"both":                       {`{"token":"x","access_token":"y"}`, refused, private},
		"with all its fields":        {`{"access_token":"x","token":"x","expires_in":60,"issued_at":"2026-03-01T12:00:00Z","scope":"","refresh_token":"r"}`, refused, private},
		"neither":                    {`{}`, noToken, noToken},
		"empty":                      {`{"token":"","access_token":""}`, noToken, noToken},
		"an age that is no number":   {`{"access_token":"x","expires_in":"60"}`, noToken, noToken},
		"an age beyond all numbers":  {`{"access_token":"x","expires_in":9223372036854775807}`, refused, private},
		"a date that is none":        {`{"access_token":"x","issued_at":"today"}`, noToken, noToken},
		"a refresh token of no type": {`{"access_token":"x","refresh_token":1}`, noToken, noToken},
		"a list of scopes":           {`{"access_token":"x","scope":["pull"]}`, noToken, private},
		"a token of no type":         {`{"access_token":"x","token":1}`, refused, noToken},
		"not JSON":                   {`<html>`, noToken, noToken},
		"larger than any token":      {`{"x":"` + strings.Repeat("x", 64<<10) + `","access_token":"x"}`, noToken, noToken},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, bearer())
			w.Fault(testregistry.Fault{Path: "/token", Body: test.body})
			wantVerdict(t, w.ask(web, alice()), test.post)
			wantVerdict(t, w.ask(web, anonymous()), test.get)
		})
	}
}

func TestTokenServicesThatFail(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault testregistry.Fault
		want  string
	}{
		"429": {
			testregistry.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}},
			"RateLimited: the token service limits the rate of requests; retry after 7s",
		},
		"503":        {testregistry.Fault{Status: 503}, "RegistryUnavailable: the token service answered 503; transient"},
		"404":        {testregistry.Fault{Status: 404}, "RegistryUnavailable: the token service answered 404"},
		"broken off": {testregistry.Fault{Reset: true}, "RegistryUnavailable: the connection broke; transient"},
		"truncated":  {testregistry.Fault{Body: `{"token":"x"}`, Truncate: 5}, noToken},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, bearer())
			test.fault.Path = "/token"
			w.Fault(test.fault)
			wantVerdict(t, w.ask(web, anonymous()), test.want)
		})
	}
}

func TestTheTokenRequest(t *testing.T) {
	t.Parallel()
	const scope = "aws repository:shop/web:pull"
	tests := map[string]struct {
		cred imagepull.Credential
		want url.Values
	}{
		"of a user": {alice(), url.Values{
			"grant_type": {"password"}, "username": {"alice"}, "password": {alicePassword},
			"service": {"registry.test"}, "scope": {scope}, "client_id": {"pullgate"},
		}},
		"of nobody": {anonymous(), url.Values{
			"account": {"robot"}, "service": {"registry.test"}, "scope": strings.Fields(scope),
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := &recorder{}
			w := newWorld(t, bearer(), func(o *registry.Options) { o.Instrument = sent.wrap })
			w.Fault(testregistry.Fault{Path: "/v2/*", Status: 401, Header: http.Header{"Www-Authenticate": {
				`Bearer realm="https://` + host + `/token?account=robot",service="registry.test",scope="repository:shop/web:pull aws"`,
			}}})
			w.ask(web, test.cred)
			if diff := cmp.Diff(test.want, sent.tokenRequest); diff != "" {
				t.Errorf("token request differs (-want +got):\n%s", diff)
			}
		})
	}
}

// recorder notes the parameters of the first token request.
type recorder struct {
	next         http.RoundTripper
	tokenRequest url.Values
}

func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper {
	r.next = next
	return r
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path == "/token" && r.tokenRequest == nil {
		r.tokenRequest = req.URL.Query()
	}
	if req.Method == http.MethodPost {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		form, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		if r.tokenRequest, err = url.ParseQuery(string(form)); err != nil {
			return nil, err
		}
	}
	return r.next.RoundTrip(req)
}
