package registry

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tokenReply is what a token service answers.
type tokenReply struct {
	Token       string `json:"token"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

func (a answer) token(t *testing.T) tokenReply {
	t.Helper()
	a.wantStatus(t, http.StatusOK, "")
	var reply tokenReply
	if err := json.Unmarshal([]byte(a.body), &reply); err != nil {
		t.Fatalf("parsing the reply: %v", err)
	}
	return reply
}

// tokenFor gets a token for pulling the repositories; the zero account gets an anonymous one.
func tokenFor(t *testing.T, s *Server, account Account, repositories ...string) string {
	t.Helper()
	query := url.Values{"service": {"registry.test"}}
	for _, repository := range repositories {
		query.Add("scope", "repository:"+repository+":pull")
	}
	return ask(t, s, request{
		path: "/token?" + query.Encode(), username: account.Username, password: account.Password,
	}).token(t).Token
}

// post asks for a token as OAuth has it.
func post(form url.Values) request {
	return request{
		method: http.MethodPost, path: "/token", body: strings.NewReader(form.Encode()),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	}
}

// form is alice's request for a token, with the given fields changed; an empty value removes the field.
func form(changes map[string]string) url.Values {
	values := url.Values{
		"grant_type": {"password"}, "service": {"registry.test"}, "client_id": {"test"},
		"username": {"alice"}, "password": {alicePassword}, "scope": {"repository:shop/web:pull"},
	}
	for field, value := range changes {
		values.Set(field, value)
		if value == "" {
			values.Del(field)
		}
	}
	return values
}

func TestTokenByPost(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cfg     TokenConfig
		changes map[string]string
		want    int
		error   string
	}{
		"alice":              {want: 200},
		"a wrong password":   {changes: map[string]string{"password": "x"}, want: 401, error: "invalid_client"},
		"no username":        {changes: map[string]string{"username": ""}, want: 400, error: "invalid_request"},
		"no client":          {changes: map[string]string{"client_id": ""}, want: 400, error: "invalid_request"},
		"another grant":      {changes: map[string]string{"grant_type": "refresh_token"}, want: 400, error: "unsupported_grant_type"},
		"another service":    {changes: map[string]string{"service": "x"}, want: 400, error: "invalid_request"},
		"no service":         {changes: map[string]string{"service": ""}, want: 400, error: "invalid_request"},
		"refused with 404":   {cfg: TokenConfig{RefusePost: 404}, want: 404},
		"refused with 405":   {cfg: TokenConfig{RefusePost: 405}, want: 405},
		"a service's own":    {cfg: TokenConfig{Service: "s"}, changes: map[string]string{"service": "s"}, want: 200},
		"a scope not hers":   {changes: map[string]string{"scope": "repository:other/web:pull"}, want: 200},
		"a scope that is no": {changes: map[string]string{"scope": "nonsense"}, want: 200},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := secured(t, Config{Auth: AuthBearer, Token: tt.cfg})
			a := ask(t, s, post(form(tt.changes)))
			a.wantStatus(t, tt.want, "")
			if tt.error != "" && a.body != `{"error":"`+tt.error+`"}` {
				t.Errorf("got body %s, want error %s", a.body, tt.error)
			}
		})
	}
}

func TestTokenRequestsThatAreNone(t *testing.T) {
	t.Parallel()
	s, _ := secured(t, Config{Auth: AuthBearer})
	garbled := post(nil)
	garbled.body = strings.NewReader("%zz")
	ask(t, s, garbled).wantStatus(t, http.StatusBadRequest, "")
	ask(t, s, request{method: http.MethodPut, path: "/token"}).wantStatus(t, http.StatusMethodNotAllowed, "UNSUPPORTED")
	ask(t, s, request{path: "/token?service=registry.test", username: "alice", password: "x"}).
		wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
	ask(t, s, request{path: "/token?service=registry.test", token: "x"}).
		wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
}

func TestTokenReply(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		omit []string
		want []string
	}{
		"whole":                   {want: []string{"token", "access_token", "expires_in"}},
		"as OAuth has it":         {omit: []string{"token"}, want: []string{"access_token", "expires_in"}},
		"as the first clients do": {omit: []string{"access_token", "expires_in"}, want: []string{"token"}},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := secured(t, Config{Auth: AuthBearer, Token: TokenConfig{Omit: tt.omit, Lifetime: time.Minute}})
			a := ask(t, s, post(form(nil)))
			reply := map[string]any{}
			if err := json.Unmarshal([]byte(a.body), &reply); err != nil {
				t.Fatalf("parsing the reply: %v", err)
			}
			got := map[string]bool{}
			for field := range reply {
				got[field] = true
			}
			want := map[string]bool{}
			for _, field := range tt.want {
				want[field] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if expires, ok := reply["expires_in"]; ok && expires != 60.0 {
				t.Errorf("got expires_in %v, want 60", expires)
			}
		})
	}
}

// TestTokenScope shows what a token opens, and what it does not.
func TestTokenScope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		account Account
		scopes  []string
		opens   bool
	}{
		"the scope":                     {account: alice(), scopes: []string{"repository:shop/web:pull"}, opens: true},
		"among actions":                 {account: alice(), scopes: []string{"repository:shop/web:pull,push"}, opens: true},
		"every action":                  {account: alice(), scopes: []string{"repository:shop/web:*"}, opens: true},
		"among scopes":                  {account: alice(), scopes: []string{"repository:a:pull", "repository:shop/web:pull"}, opens: true},
		"among scopes in one":           {account: alice(), scopes: []string{"repository:a:pull repository:shop/web:pull"}, opens: true},
		"none":                          {account: alice()},
		"another repository":            {account: alice(), scopes: []string{"repository:shop/db:pull"}},
		"another action":                {account: alice(), scopes: []string{"repository:shop/web:push"}},
		"another type":                  {account: alice(), scopes: []string{"registry:shop/web:pull"}},
		"nothing that the account has":  {account: bob(), scopes: []string{"repository:shop/web:pull"}},
		"nothing that is there for all": {scopes: []string{"repository:shop/web:pull"}},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := secured(t, Config{Auth: AuthBearer})
			query := url.Values{"service": {"registry.test"}, "scope": tt.scopes}
			token := ask(t, s, request{
				path: "/token?" + query.Encode(), username: tt.account.Username, password: tt.account.Password,
			}).token(t).Token
			ask(t, s, request{path: "/v2/", token: token}).wantStatus(t, http.StatusOK, "")
			a := ask(t, s, request{path: "/v2/shop/web/manifests/1", token: token})
			if got := a.StatusCode == http.StatusOK; got != tt.opens {
				t.Errorf("got status %d, want open = %t", a.StatusCode, tt.opens)
			}
			got := strings.Contains(a.Header.Get("WWW-Authenticate"), `error="insufficient_scope"`)
			if got == tt.opens {
				t.Errorf("got insufficient_scope = %t, want %t", got, !tt.opens)
			}
		})
	}
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	s, _ := secured(t, Config{Auth: AuthBearer, Now: clock.Now, Token: TokenConfig{Lifetime: time.Minute}})
	use := request{path: "/v2/shop/web/manifests/1", token: tokenFor(t, s, alice(), "shop/web")}

	clock.advance(time.Minute - time.Nanosecond)
	ask(t, s, use).wantStatus(t, http.StatusOK, "")
	clock.advance(time.Nanosecond)
	a := ask(t, s, use)
	a.wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
	if got := a.Header.Get("WWW-Authenticate"); !strings.Contains(got, `error="invalid_token"`) {
		t.Errorf("got challenge %s, want invalid_token in it", got)
	}

	use.token = tokenFor(t, s, alice(), "shop/web")
	ask(t, s, use).wantStatus(t, http.StatusOK, "")
	if got := len(s.tokens.grants); got != 1 {
		t.Errorf("the service remembers %d tokens, want the one that is good", got)
	}
}

func TestTokensAreOpaque(t *testing.T) {
	t.Parallel()
	s, _ := secured(t, Config{Auth: AuthBearer})
	first, second := tokenFor(t, s, alice(), "shop/web"), tokenFor(t, s, alice(), "shop/web")
	if first == second {
		t.Error("two requests got the same token")
	}
	if strings.Contains(first, "alice") || strings.Contains(first, "shop") {
		t.Error("a token shows what it is for")
	}
}
