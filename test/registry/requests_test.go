package registry

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRequestsInTheJournal(t *testing.T) {
	t.Parallel()
	s, _ := secured(t, Config{Auth: AuthBearer, PlainHTTP: true})
	token := tokenFor(t, s, alice(), "shop/web")
	s.ResetRequests()

	pull := request{path: manifestURL + "?ns=registry.example", token: token, header: http.Header{
		"Accept": {"a/b", "c/d"}, "User-Agent": {"test/1"},
	}}
	ask(t, s, pull)
	ask(t, s, request{method: http.MethodHead, path: manifestURL})
	ask(t, s, request{path: "/token?service=registry.test&scope=repository:shop/web:pull", username: "eve", password: "x"})
	ask(t, s, post(form(nil)))
	s.Fault(Fault{Reset: true, Times: 1})
	if _, err := try(t, s, request{path: "/v2/", token: "forged"}); err == nil {
		t.Fatal("the connection was not reset")
	}

	want := []Request{
		{
			Method: "GET", Path: manifestURL, Query: "ns=registry.example", Status: 200, User: "alice", Token: true,
			Accept: "a/b, c/d", UserAgent: "test/1",
		},
		{Method: "HEAD", Path: manifestURL, Status: 401},
		{Method: "GET", Path: "/token", Query: "scope=repository:shop/web:pull&service=registry.test", Status: 401, User: "eve"},
		{Method: "POST", Path: "/token", Status: 200, User: "alice"},
		{Method: "GET", Path: "/v2/", Token: true},
	}
	for i := range want {
		want[i].Host, want[i].Proto = s.Addr(), "HTTP/1.1"
		if want[i].UserAgent == "" {
			want[i].UserAgent = "Go-http-client/1.1"
		}
	}
	if diff := cmp.Diff(want, s.Requests(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestRequestSummary(t *testing.T) {
	t.Parallel()
	s, n := secured(t, Config{Auth: AuthBearer})
	if _, err := head(t, n, "shop/web:1", alice()); err != nil {
		t.Fatalf("head: %v", err)
	}
	s.Fault(Fault{Reset: true, Times: 1})
	if _, err := get(t, n, "https://registry.example"); err == nil {
		t.Fatal("the connection was not reset")
	}
	want := `GET registry.example/v2/ 401
GET registry.example/token?scope=repository:shop/web:pull&service=registry.test 200 user=alice
HEAD registry.example/v2/shop/web/manifests/1 200 user=alice token
GET registry.example/v2/ unanswered
`
	if diff := cmp.Diff(want, s.RequestSummary()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	s.ResetRequests()
	if got := s.RequestSummary(); got != "" {
		t.Errorf("after ResetRequests: got %q", got)
	}
}

func TestJournalHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s, _ := secured(t, Config{Auth: AuthBearer})
	token := tokenFor(t, s, alice(), "shop/web")
	leaky := url.Values{"password": {alicePassword}, "access_token": {token}, "service": {"registry.test"}}
	for _, q := range []request{
		post(form(nil)),
		post(form(map[string]string{"password": "x" + alicePassword})),
		{path: manifestURL, token: token},
		{path: manifestURL, username: "alice", password: alicePassword},
		{path: "/token?" + leaky.Encode()},
	} {
		ask(t, s, q)
	}
	summary := s.RequestSummary()
	for _, secret := range []string{alicePassword, url.QueryEscape(alicePassword), token} {
		if strings.Contains(summary, secret) {
			t.Error("the summary holds a secret")
		}
	}
	if !strings.Contains(summary, "access_token=…&password=…&service=registry.test") {
		t.Errorf("the summary does not show what was left out:\n%s", summary)
	}
}

func TestTokenWhereThereAreNone(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	ask(t, s, request{path: "/v2/", token: "x"})
	if got := s.Requests()[0]; !got.Token || got.User != "" {
		t.Errorf("got %s, want a token of nobody", got)
	}
}

func TestJournalOfASilentHandler(t *testing.T) {
	t.Parallel()
	j := &journal{}
	silent := j.wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	silent.ServeHTTP(nil, &http.Request{URL: &url.URL{Path: "/"}})
	if got := j.all()[0].Status; got != http.StatusOK {
		t.Errorf("got status %d, want 200: a handler that writes nothing has said so", got)
	}
}

func TestNoteUserOutsideTheJournal(t *testing.T) {
	t.Parallel()
	r := &http.Request{}
	noteUser(r, "alice")
	if r.Context().Value(entryKey{}) != nil {
		t.Error("noting a user made an entry")
	}
}
