package registry

import (
	"net/http"
	"testing"
)

// TestTokensFromAnotherServer checks that a client gets its token for registry.example from auth.example.
func TestTokensFromAnotherServer(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	tokens := start(t, Config{
		CA: ca, Auth: AuthBearer, Accounts: []Account{alice()}, Token: TokenConfig{Service: "both", Path: "/auth"},
	})
	s := start(t, Config{
		CA: ca, Auth: AuthBearer, Token: TokenConfig{From: tokens, Realm: "https://auth.example/auth"},
	})
	n := NewNetwork(ca)
	t.Cleanup(n.Close)
	for name, server := range map[string]*Server{"auth.example": tokens, "registry.example": s} {
		if err := n.Add(name, server); err != nil {
			t.Fatalf("Add(%q): %v", name, err)
		}
	}
	digest := pushImage(t, s, "shop/web:1")
	got, err := head(t, n, "shop/web:1", alice())
	if err != nil || got != digest {
		t.Errorf("got %q, %v, want %q", got, err, digest)
	}
	if _, err := head(t, n, "other/web:1", alice()); err == nil {
		t.Error("a repository that the account may not pull: got no error")
	}
	if got := tokens.Requests(); len(got) == 0 || got[0].Path != "/auth" || got[0].User != "alice" {
		t.Errorf("got token requests\n%s", tokens.RequestSummary())
	}
	send(t, s, request{path: "/token"}).wantStatus(t, http.StatusNotFound, "")
}

func TestRealmOfAnotherServerIsItsAddress(t *testing.T) {
	t.Parallel()
	tokens := start(t, Config{Auth: AuthBearer, Token: TokenConfig{Path: "/auth"}})
	s := start(t, Config{Auth: AuthBearer, Token: TokenConfig{From: tokens}})
	resp := send(t, s, request{path: "/v2/"})
	want := `Bearer realm="` + tokens.URL() + `/auth",service="registry.test"`
	if got := resp.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("got challenge %s, want %s", got, want)
	}
}
