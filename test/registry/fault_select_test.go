package registry

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestFaultSelectsByCaller(t *testing.T) {
	t.Parallel()
	const agent = "containerd/2.4.2"
	as := func(username, password string) request {
		return request{path: manifestURL, username: username, password: password}
	}
	byAgent := func(name string) request {
		q := as("alice", alicePassword)
		q.header = http.Header{"User-Agent": {name}}
		return q
	}
	tests := map[string]struct {
		fault Fault
		q     request
		hit   bool
	}{
		"the account":                  {Fault{Account: "alice"}, as("alice", alicePassword), true},
		"the account, wrong password":  {Fault{Account: "alice"}, as("alice", "wrong"), true},
		"another account":              {Fault{Account: "alice"}, as("bob", bobPassword), false},
		"no account":                   {Fault{Account: "alice"}, request{path: manifestURL}, false},
		"an Authorization header":      {Fault{Authorization: Present}, as("bob", bobPassword), true},
		"a required header is missing": {Fault{Authorization: Present}, request{path: manifestURL}, false},
		"no Authorization header":      {Fault{Authorization: Absent}, request{path: manifestURL}, true},
		"an unwanted header":           {Fault{Authorization: Absent}, as("bob", bobPassword), false},
		"another agent":                {Fault{UnlessAgent: "containerd/"}, byAgent("pullgate/1"), true},
		"an exempt agent":              {Fault{UnlessAgent: "containerd/"}, byAgent(agent + " (compatible; pullgate/1)"), false},
		"the exempt agent in the text": {Fault{UnlessAgent: "containerd/"}, byAgent("pullgate " + agent), true},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := startWithAccounts(t, Config{Auth: AuthBasic})
			tt.fault.Status = http.StatusTeapot
			s.Fault(tt.fault)
			resp := send(t, s, tt.q)
			if got := resp.StatusCode == http.StatusTeapot; got != tt.hit {
				t.Errorf("got status %d, want hit = %t", resp.StatusCode, tt.hit)
			}
		})
	}
}

func TestFaultSelectsByTheAccountOfATokenRequest(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer})
	s.Fault(Fault{Path: "/token", Account: "bob", Status: http.StatusTeapot})
	token := send(t, s, post(form(nil))).token(t)
	if token.Token == "" {
		t.Fatal("the fault of another account took the token")
	}
	s.Fault(Fault{Path: manifestURL, Account: "alice", Status: http.StatusTeapot})
	send(t, s, request{path: manifestURL, token: token.Token}).wantStatus(t, http.StatusTeapot, "")
}

func TestFaultBeginsAfterRequests(t *testing.T) {
	t.Parallel()
	s, _ := withImage(t, Config{})
	s.Fault(Fault{Path: manifestURL, After: 1, Times: 2, Status: 503})
	send(t, s, request{path: "/v2/"}).wantStatus(t, 200, "") // not selected, so not counted
	for i, want := range []int{200, 503, 503, 200} {
		if got := send(t, s, request{path: manifestURL}).StatusCode; got != want {
			t.Errorf("request %d: got status %d, want %d", i, got, want)
		}
	}
}

func TestFaultChallenges(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		auth  Auth
		cause string
		want  string
	}{
		"Bearer":              {AuthBearer, "", `scope="repository:shop/web:pull"`},
		"Bearer with a cause": {AuthBearer, "invalid_token", `scope="repository:shop/web:pull",error="invalid_token"`},
		"Basic":               {AuthBasic, "invalid_token", `Basic realm="Registry"`},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, _ := startWithAccounts(t, Config{Auth: tt.auth})
			s.Fault(Fault{Challenge: true, Cause: tt.cause})
			resp := send(t, s, request{path: manifestURL, username: "alice", password: alicePassword})
			resp.wantStatus(t, http.StatusUnauthorized, "")
			if got := resp.Header.Get("WWW-Authenticate"); !strings.HasSuffix(got, tt.want) {
				t.Errorf("got challenge %q, want the end %q", got, tt.want)
			}
		})
	}
}

func TestFaultEncodes(t *testing.T) {
	t.Parallel()
	decoders := map[string]func(io.Reader) (io.Reader, error){
		"gzip":    func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd":    func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
		"deflate": func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil },
	}
	for coding, decode := range decoders {
		t.Run(coding, func(t *testing.T) {
			t.Parallel()
			s, digest := withImage(t, Config{})
			want := send(t, s, request{path: manifestURL}).body
			s.Fault(Fault{Encode: coding})
			head := send(t, s, request{method: http.MethodHead, path: manifestURL})
			if head.Header.Get("Content-Encoding") != "" || head.ContentLength != int64(len(want)) {
				t.Errorf("HEAD: got length %d and headers %v, want the plain ones", head.ContentLength, head.Header)
			}
			// A header of its own keeps the transport from decoding.
			resp := send(t, s, request{path: manifestURL, header: http.Header{"Accept-Encoding": {"identity"}}})
			if resp.Header.Get("Content-Encoding") != coding || resp.Header.Get("Docker-Content-Digest") != digest ||
				resp.ContentLength != int64(len(resp.body)) {
				t.Errorf("got headers %v with %d bytes, want coding %s", resp.Header, len(resp.body), coding)
			}
			plain, err := decode(bytes.NewReader([]byte(resp.body)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(plain)
			if err != nil || string(got) != want {
				t.Errorf("got body %q and error %v, want %q", got, err, want)
			}
		})
	}
}

func TestFaultWithAnUnknownCoding(t *testing.T) {
	t.Parallel()
	s, _ := withImage(t, Config{})
	s.Fault(Fault{Encode: "br"})
	send(t, s, request{path: manifestURL}).wantStatus(t, http.StatusInternalServerError, "")
}

// TestWrongLengthOfHEAD states that a fault can give HEAD another length than GET has.
func TestWrongLengthOfHEAD(t *testing.T) {
	t.Parallel()
	s, _ := withImage(t, Config{})
	s.Fault(Fault{Method: http.MethodHead, Header: http.Header{"Content-Length": {"7"}}})
	if got := send(t, s, request{method: http.MethodHead, path: manifestURL}).ContentLength; got != 7 {
		t.Errorf("got length %d, want 7", got)
	}
	if got := send(t, s, request{path: manifestURL}); got.ContentLength != int64(len(got.body)) {
		t.Errorf("GET: got length %d, want %d", got.ContentLength, len(got.body))
	}
}

func TestClosedAccount(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBearer})
	token := send(t, s, post(form(nil))).token(t).Token
	s.CloseAccount("alice")
	send(t, s, post(form(nil))).wantStatus(t, http.StatusUnauthorized, "")
	send(t, s, request{path: manifestURL, token: token}).wantStatus(t, http.StatusOK, "") // issued before
}
