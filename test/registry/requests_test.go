package registry

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer, PlainHTTP: true})
	token := tokenFor(t, s, alice(), "shop/web")
	s.ResetRequests()

	pull := request{path: manifestURL + "?ns=registry.example", token: token, header: http.Header{
		"Accept": {"a/b", "c/d"}, "User-Agent": {"test/1"},
	}}
	send(t, s, pull)
	send(t, s, request{method: http.MethodHead, path: manifestURL})
	send(t, s, request{path: "/token?service=registry.test&scope=repository:shop/web:pull", username: "eve", password: "x"})
	send(t, s, post(form(nil)))
	s.Fault(Fault{Reset: true, Times: 1})
	if _, err := trySend(t, s, request{path: "/v2/", token: "forged"}); err == nil {
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
	s, n := startWithAccounts(t, Config{Auth: AuthBearer})
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
GET registry.example/v2/ no response
`
	if diff := cmp.Diff(want, s.RequestSummary()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	s.ResetRequests()
	if got := s.RequestSummary(); got != "" {
		t.Errorf("after ResetRequests: got %q", got)
	}
}

func TestRecordedRequestsContainNoSecret(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer})
	token := tokenFor(t, s, alice(), "shop/web")
	leaky := url.Values{"password": {alicePassword}, "access_token": {token}, "service": {"registry.test"}}
	for _, q := range []request{
		post(form(nil)),
		post(form(map[string]string{"password": "x" + alicePassword})),
		{path: manifestURL, token: token},
		{path: manifestURL, username: "alice", password: alicePassword},
		{path: "/token?" + leaky.Encode()},
	} {
		send(t, s, q)
	}
	summary := s.RequestSummary()
	for _, secret := range []string{alicePassword, url.QueryEscape(alicePassword), token} {
		if strings.Contains(summary, secret) {
			t.Error("the summary contains a secret")
		}
	}
	if !strings.Contains(summary, "access_token=…&password=…&service=registry.test") {
		t.Errorf("the summary does not mark the omitted values:\n%s", summary)
	}
}

func TestTokenAtAServerWithoutATokenService(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	send(t, s, request{path: "/v2/", token: "x"})
	if got := s.Requests()[0]; !got.Token || got.User != "" {
		t.Errorf("got %s, want a token without an account", got)
	}
}

func TestHandlerThatWritesNothingIsRecordedAs200(t *testing.T) {
	t.Parallel()
	l := &requestLog{}
	silent := l.wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	silent.ServeHTTP(nil, &http.Request{URL: &url.URL{Path: "/"}})
	if got := l.all()[0].Status; got != http.StatusOK {
		t.Errorf("got status %d, want 200, which a handler that writes nothing implies", got)
	}
}

func TestRecordUserWithoutALogEntry(t *testing.T) {
	t.Parallel()
	r := &http.Request{}
	recordUser(r, "alice")
	if r.Context().Value(entryKey{}) != nil {
		t.Error("recordUser created a log entry")
	}
}

func TestReadableQuery(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query url.Values
		want  string
	}{
		"an empty query":       {},
		"sorted and unescaped": {query: url.Values{"scope": {"b c", "a:b/c"}, "n": {"1"}}, want: "n=1&scope=a:b/c&scope=b c"},
		"an unknown parameter": {query: url.Values{"x": {"secret"}, "ns": {"y"}}, want: "ns=y&x=…"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if got := readableQuery(tt.query); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
