package registry_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestTokenServicesWithoutPOST(t *testing.T) {
	t.Parallel()
	final := map[int]string{
		http.StatusForbidden:           refused,
		http.StatusTooManyRequests:     "RateLimited: the token service limits the rate of requests",
		http.StatusInternalServerError: "RegistryUnavailable: the token service returned 500; transient",
		http.StatusTeapot:              "RegistryUnavailable: the token service returned 418",
	}
	for _, status := range []int{400, 401, 403, 404, 405, 418, 429, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			cfg := bearer()
			cfg.Token.RefusePost = status
			w := newFixture(t, cfg)
			want, isFinal := final[status]
			requests := []string{"HEAD shop/web:1 401", fmt.Sprintf("POST /token %d", status)}
			if !isFinal {
				want = "Pullable"
				requests = append(requests, "GET /token alice 200", "HEAD shop/web:1 token=alice 200")
			}
			wantVerdict(t, w.resolve(web, alice()), want)
			wantWire(t, w.Server, requests...)
		})
	}
}

func TestCredentialsWithoutAccess(t *testing.T) {
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
		"bearer, anonymous": {
			config: bearer(), cred: anonymous(), want: private,
			wire: []string{first, "GET /token 200", "HEAD shop/web:1 token= 401"},
		},
		"bearer, an empty entry": {
			config: bearer(), cred: empty, want: holdsNone,
			wire: []string{first, "GET /token 200", "HEAD shop/web:1 token= 401"},
		},
		"bearer, a user without a password": {
			config: bearer(), cred: userOnly, want: refused,
			wire: []string{first, "GET /token 200", "HEAD shop/web:1 token= 401"},
		},
		"bearer, a password without a user": {
			config: bearer(), cred: passwordOnly, want: holdsNone,
			wire: []string{first, "GET /token 200", "HEAD shop/web:1 token= 401"},
		},
		"basic, wrong password": {
			config: basic(), cred: mallory(), want: stale,
			wire: append([]string{first}, slices.Repeat([]string{"HEAD shop/web:1 mallory 401"}, 4)...), login: true,
		},
		"basic, anonymous":      {config: basic(), cred: anonymous(), want: private, wire: []string{first}},
		"basic, an empty entry": {config: basic(), cred: empty, want: holdsNone, wire: []string{first}},
		"basic, no password":    {config: basic(), cred: userOnly, want: refused, wire: []string{first}},
		"basic, no user":        {config: basic(), cred: passwordOnly, want: holdsNone, wire: []string{first}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, test.config)
			v := w.resolve(web, test.cred)
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
		w := newFixture(t, cfg)
		w.push("other/web:1")
		v := w.resolve(host+"/other/web:1", alice())
		wantVerdict(t, v, refused)
		if v.LoginFailed {
			t.Error("the login counts as failed, want only the access to be refused")
		}
		wantWire(t, w.Server, "HEAD other/web:1 401", "POST /token alice 200",
			fmt.Sprintf("HEAD other/web:1 token=alice %d", status))
	}
}

func TestTokenResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		// post and get are the verdicts if this is the response to POST with a password and to an anonymous GET. A denial
		// means that the token was sent to the registry.
		post, get string
	}{
		"access_token":                    {`{"access_token":"x"}`, refused, private},
		"token":                           {`{"token":"x"}`, noToken, private},
		"both":                            {`{"token":"x","access_token":"y"}`, refused, private},
		"with all its fields":             {`{"access_token":"x","token":"x","expires_in":60,"issued_at":"2026-03-01T12:00:00Z","scope":"","refresh_token":"r"}`, refused, private},
		"neither":                         {`{}`, noToken, noToken},
		"empty":                           {`{"token":"","access_token":""}`, noToken, noToken},
		"an expiry that is not a number":  {`{"access_token":"x","expires_in":"60"}`, noToken, noToken},
		"an expiry that overflows":        {`{"access_token":"x","expires_in":9223372036854775807}`, refused, private},
		"an invalid date":                 {`{"access_token":"x","issued_at":"today"}`, noToken, noToken},
		"a refresh token of another type": {`{"access_token":"x","refresh_token":1}`, noToken, noToken},
		"a list of scopes":                {`{"access_token":"x","scope":["pull"]}`, noToken, private},
		"a token of another type":         {`{"access_token":"x","token":1}`, refused, noToken},
		"not JSON":                        {`<html>`, noToken, noToken},
		"over the limit":                  {`{"x":"` + strings.Repeat("x", 64<<10) + `","access_token":"x"}`, noToken, noToken},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bearer())
			w.Fault(testregistry.Fault{Path: "/token", Body: test.body})
			wantVerdict(t, w.resolve(web, alice()), test.post)
			wantVerdict(t, w.resolve(web, anonymous()), test.get)
		})
	}
}

func TestTokenServiceFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault testregistry.Fault
		want  string
	}{
		"429": {
			testregistry.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}},
			"RateLimited: the token service limits the rate of requests; retry after 7s",
		},
		"503":       {testregistry.Fault{Status: 503}, "RegistryUnavailable: the token service returned 503; transient"},
		"404":       {testregistry.Fault{Status: 404}, "RegistryUnavailable: the token service returned 404"},
		"reset":     {testregistry.Fault{Reset: true}, "RegistryUnavailable: the connection broke; transient"},
		"truncated": {testregistry.Fault{Body: `{"token":"x"}`, Truncate: 5}, noToken},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bearer())
			test.fault.Path = "/token"
			w.Fault(test.fault)
			wantVerdict(t, w.resolve(web, anonymous()), test.want)
		})
	}
}

func TestTokenRequest(t *testing.T) {
	t.Parallel()
	const scope = "aws repository:shop/web:pull"
	tests := map[string]struct {
		cred imagepull.Credential
		want url.Values
	}{
		"with a credential": {alice(), url.Values{
			"grant_type": {"password"}, "username": {"alice"}, "password": {alicePassword},
			"service": {"registry.test"}, "scope": {scope}, "client_id": {"pullgate"},
		}},
		"anonymous": {anonymous(), url.Values{
			"account": {"robot"}, "service": {"registry.test"}, "scope": strings.Fields(scope),
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := &recorder{}
			w := newFixture(t, bearer(), func(o *registry.Options) { o.Instrument = sent.wrap })
			w.Fault(testregistry.Fault{Path: "/v2/*", Status: 401, Header: http.Header{"Www-Authenticate": {
				`Bearer realm="https://` + host + `/token?account=robot",service="registry.test",scope="repository:shop/web:pull aws"`,
			}}})
			w.resolve(web, test.cred)
			if diff := cmp.Diff(test.want, sent.tokenRequest); diff != "" {
				t.Errorf("token request differs (-want +got):\n%s", diff)
			}
		})
	}
}
