package registry

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestTokenScope checks which repositories a token gives access to.
func TestTokenScope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		account Account
		scopes  []string
		want    bool
	}{
		"the scope":                          {account: alice(), scopes: []string{"repository:shop/web:pull"}, want: true},
		"one of several actions":             {account: alice(), scopes: []string{"repository:shop/web:pull,push"}, want: true},
		"every action":                       {account: alice(), scopes: []string{"repository:shop/web:*"}, want: true},
		"one of several scopes":              {account: alice(), scopes: []string{"repository:a:pull", "repository:shop/web:pull"}, want: true},
		"one of several scopes in one value": {account: alice(), scopes: []string{"repository:a:pull repository:shop/web:pull"}, want: true},
		"no scope":                           {account: alice()},
		"another repository":                 {account: alice(), scopes: []string{"repository:shop/db:pull"}},
		"another action":                     {account: alice(), scopes: []string{"repository:shop/web:push"}},
		"another type":                       {account: alice(), scopes: []string{"registry:shop/web:pull"}},
		"an account without permission":      {account: bob(), scopes: []string{"repository:shop/web:pull"}},
		"an anonymous token":                 {scopes: []string{"repository:shop/web:pull"}},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := startWithAccounts(t, Config{Auth: AuthBearer})
			query := url.Values{"service": {"registry.test"}, "scope": tt.scopes}
			token := send(t, s, request{
				path: "/token?" + query.Encode(), username: tt.account.Username, password: tt.account.Password,
			}).token(t).Token
			send(t, s, request{path: "/v2/", token: token}).wantStatus(t, http.StatusOK, "")
			resp := send(t, s, request{path: "/v2/shop/web/manifests/1", token: token})
			if got := resp.StatusCode == http.StatusOK; got != tt.want {
				t.Errorf("got status %d, want access = %t", resp.StatusCode, tt.want)
			}
			got := strings.Contains(resp.Header.Get("WWW-Authenticate"), `error="insufficient_scope"`)
			if got == tt.want {
				t.Errorf("got insufficient_scope = %t, want %t", got, !tt.want)
			}
		})
	}
}

func TestPullScope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scope, repository string
		ok                bool
	}{
		"pulling":                 {scope: "repository:shop/web:pull", repository: "shop/web", ok: true},
		"pushing and pulling":     {scope: "repository:shop/web:push,pull", repository: "shop/web", ok: true},
		"a name that has a colon": {scope: "repository:host:5000/web:pull", repository: "host:5000/web", ok: true},
		"pushing":                 {scope: "repository:shop/web:push", repository: "shop/web"},
		"no actions":              {scope: "repository:shop"},
		"another type":            {scope: "registry:catalog:*"},
		"an empty scope":          {},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			repository, ok := pullScope(tt.scope)
			if ok != tt.ok || ok && repository != tt.repository {
				t.Errorf("pullScope(%q) = %q, %t, want %q, %t", tt.scope, repository, ok, tt.repository, tt.ok)
			}
		})
	}
}
