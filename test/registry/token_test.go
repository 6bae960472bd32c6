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

// tokenReply is the response of a token service.
type tokenReply struct {
	Token       string `json:"token"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

func (r response) token(t *testing.T) tokenReply {
	t.Helper()
	r.wantStatus(t, http.StatusOK, "")
	var reply tokenReply
	if err := json.Unmarshal([]byte(r.body), &reply); err != nil {
		t.Fatalf("parsing the reply: %v", err)
	}
	return reply
}

// tokenFor requests a token for pulling the repositories. The zero account gets an anonymous token.
func tokenFor(t *testing.T, s *Server, account Account, repositories ...string) string {
	t.Helper()
	query := url.Values{"service": {"registry.test"}}
	for _, repository := range repositories {
		query.Add("scope", "repository:"+repository+":pull")
	}
	return send(t, s, request{
		path: "/token?" + query.Encode(), username: account.Username, password: account.Password,
	}).token(t).Token
}

// post returns a token request in the form of OAuth.
func post(form url.Values) request {
	return request{
		method: http.MethodPost, path: "/token", body: strings.NewReader(form.Encode()),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	}
}

// form returns the fields of alice's token request with the given changes. An empty value removes the field.
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
		"alice":                      {want: 200},
		"a wrong password":           {changes: map[string]string{"password": "x"}, want: 401, error: "invalid_client"},
		"no username":                {changes: map[string]string{"username": ""}, want: 400, error: "invalid_request"},
		"no client":                  {changes: map[string]string{"client_id": ""}, want: 400, error: "invalid_request"},
		"another grant":              {changes: map[string]string{"grant_type": "refresh_token"}, want: 400, error: "unsupported_grant_type"},
		"another service":            {changes: map[string]string{"service": "x"}, want: 400, error: "invalid_request"},
		"no service":                 {changes: map[string]string{"service": ""}, want: 400, error: "invalid_request"},
		"refused with 404":           {cfg: TokenConfig{RefusePost: 404}, want: 404},
		"refused with 405":           {cfg: TokenConfig{RefusePost: 405}, want: 405},
		"a configured service name":  {cfg: TokenConfig{Service: "s"}, changes: map[string]string{"service": "s"}, want: 200},
		"a scope without permission": {changes: map[string]string{"scope": "repository:other/web:pull"}, want: 200},
		"an invalid scope":           {changes: map[string]string{"scope": "nonsense"}, want: 200},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := startWithAccounts(t, Config{Auth: AuthBearer, Token: tt.cfg})
			resp := send(t, s, post(form(tt.changes)))
			resp.wantStatus(t, tt.want, "")
			if tt.error != "" && resp.body != `{"error":"`+tt.error+`"}` {
				t.Errorf("got body %s, want error %s", resp.body, tt.error)
			}
		})
	}
}

func TestInvalidTokenRequests(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer})
	garbled := post(nil)
	garbled.body = strings.NewReader("%zz")
	send(t, s, garbled).wantStatus(t, http.StatusBadRequest, "")
	send(t, s, request{method: http.MethodPut, path: "/token"}).wantStatus(t, http.StatusMethodNotAllowed, "UNSUPPORTED")
	send(t, s, request{path: "/token?service=registry.test", username: "alice", password: "x"}).
		wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
	send(t, s, request{path: "/token?service=registry.test", token: "x"}).
		wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
}

func TestTokenReply(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		omit []string
		want []string
	}{
		"all fields":           {want: []string{"token", "access_token", "expires_in"}},
		"the fields of OAuth":  {omit: []string{"token"}, want: []string{"access_token", "expires_in"}},
		"the token field only": {omit: []string{"access_token", "expires_in"}, want: []string{"token"}},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := startWithAccounts(t, Config{Auth: AuthBearer, Token: TokenConfig{Omit: tt.omit, Lifetime: time.Minute}})
			resp := send(t, s, post(form(nil)))
			reply := map[string]any{}
			if err := json.Unmarshal([]byte(resp.body), &reply); err != nil {
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

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer, Now: clock.Now, Token: TokenConfig{Lifetime: time.Minute}})
	use := request{path: "/v2/shop/web/manifests/1", token: tokenFor(t, s, alice(), "shop/web")}

	clock.advance(time.Minute - time.Nanosecond)
	send(t, s, use).wantStatus(t, http.StatusOK, "")
	clock.advance(time.Nanosecond)
	resp := send(t, s, use)
	resp.wantStatus(t, http.StatusUnauthorized, "UNAUTHORIZED")
	if got := resp.Header.Get("WWW-Authenticate"); !strings.Contains(got, `error="invalid_token"`) {
		t.Errorf("got challenge %s, want invalid_token in it", got)
	}

	use.token = tokenFor(t, s, alice(), "shop/web")
	send(t, s, use).wantStatus(t, http.StatusOK, "")
	if got := len(s.tokens.grants); got != 1 {
		t.Errorf("the service stores %d tokens, want the valid one only", got)
	}
}

func TestTokensRevealNoScope(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer})
	first, second := tokenFor(t, s, alice(), "shop/web"), tokenFor(t, s, alice(), "shop/web")
	if first == second {
		t.Error("two requests got the same token")
	}
	if strings.Contains(first, "alice") || strings.Contains(first, "shop") {
		t.Error("a token contains its account or scope")
	}
}
