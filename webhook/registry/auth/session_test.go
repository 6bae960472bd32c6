package auth_test

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/auth"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

const (
	bearer = `Bearer realm="https://registry.example/token",service="s"`
	basic  = `Basic realm="r"`
)

// fakeRegistry responds to requests by their Authorization header, and records them.
type fakeRegistry struct {
	challenge string
	// status returns the status of a request with this scheme; empty means no Authorization.
	status func(scheme string) int
	// tokenStatus is the status of the token service; 200 when zero.
	tokenStatus int
	// redirectsTo is the host that responds to requests with a scheme; the registry when empty.
	redirectsTo string
	requests    []string
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func (f *fakeRegistry) serveContent(req *http.Request) (*http.Response, error) {
	scheme, _, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	f.requests = append(f.requests, cmp.Or(scheme, "none"))
	resp := respond(req, f.status(scheme), "")
	if scheme != "" && f.redirectsTo != "" {
		resp.Request = req.Clone(req.Context())
		resp.Request.URL.Host = f.redirectsTo
	}
	if resp.StatusCode == http.StatusUnauthorized {
		resp.Header.Set("WWW-Authenticate", f.challenge)
	}
	return resp, nil
}

func (f *fakeRegistry) serveToken(req *http.Request) (*http.Response, error) {
	f.requests = append(f.requests, req.Method+" token")
	return respond(req, cmp.Or(f.tokenStatus, http.StatusOK), `{"access_token":"t","expires_in":300}`), nil
}

func respond(req *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}
}

func (f *fakeRegistry) endpoint() *auth.Endpoint {
	return &auth.Endpoint{ID: "endpoint", Hosts: []string{"registry.example"}, Transports: egress.Transports{
		Content: roundTripFunc(f.serveContent), Token: roundTripFunc(f.serveToken),
	}}
}

func newClient(t *testing.T) *auth.Client {
	t.Helper()
	client, err := auth.NewClient(auth.Options{
		Clock:           clocktesting.NewFakePassiveClock(time.Unix(0, 0)),
		Keyer:           imagepull.NewCredentialKeyer(),
		Allows:          func(string) bool { return false },
		PostCredentials: true,
	})
	if err != nil {
		t.Fatalf("NewClient: %v", err)
	}
	return client
}

// accepting returns 401 to other schemes.
func accepting(scheme string) func(string) int {
	return func(got string) int {
		if got == scheme {
			return http.StatusOK
		}
		return http.StatusUnauthorized
	}
}

func TestSessionAuthorizesRequests(t *testing.T) {
	t.Parallel()
	only := func(authorized, other int) func(string) int {
		return func(scheme string) int {
			if scheme == "" {
				return other
			}
			return authorized
		}
	}
	tests := map[string]struct {
		registry fakeRegistry
		sessions []int // the number of requests in each session
		want     []string
		status   int // of the last response
	}{
		"no challenge": {
			registry: fakeRegistry{status: accepting("")}, sessions: []int{2}, want: []string{"none", "none"}, status: 200,
		},
		"a basic challenge is answered, and the answer is reused": {
			registry: fakeRegistry{challenge: basic, status: accepting("Basic")}, sessions: []int{2},
			want: []string{"none", "Basic", "Basic"}, status: 200,
		},
		"another session authorizes preemptively": {
			registry: fakeRegistry{challenge: basic, status: accepting("Basic")}, sessions: []int{1, 1},
			want: []string{"none", "Basic", "Basic"}, status: 200,
		},
		"another session uses the cached token": {
			registry: fakeRegistry{challenge: bearer, status: accepting("Bearer")}, sessions: []int{1, 1},
			want: []string{"none", "POST token", "Bearer", "Bearer"}, status: 200,
		},
		"a challenge of an unknown scheme is not answered": {
			registry: fakeRegistry{challenge: "Negotiate", status: accepting("Basic")}, sessions: []int{1},
			want: []string{"none"}, status: 401,
		},
		"a refused answer is final": {
			registry: fakeRegistry{challenge: basic, status: only(403, 401)}, sessions: []int{1},
			want: []string{"none", "Basic"}, status: 403,
		},
		"a password that was refused preemptively is not sent again": {
			registry: fakeRegistry{challenge: basic, status: only(401, 401)}, sessions: []int{1, 1},
			want: []string{"none", "Basic", "Basic", "none"}, status: 401,
		},
		"a refusal of another host is final": {
			registry: fakeRegistry{challenge: basic, status: only(403, 401), redirectsTo: "other.example"}, sessions: []int{1, 1},
			want: []string{"none", "Basic", "Basic"}, status: 403,
		},
		"a refused cached token is replaced once": {
			registry: fakeRegistry{challenge: bearer, status: only(403, 401)}, sessions: []int{1, 1},
			want: []string{"none", "POST token", "Bearer", "Bearer", "none", "POST token", "Bearer"}, status: 403,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, status := newClient(t), 0
			for _, requests := range test.sessions {
				s := client.NewSession(test.registry.endpoint(), imagepull.Credential{Username: "u", Password: "p"}, "shop/web")
				for range requests {
					status = send(t, s)
				}
			}
			if diff := gocmp.Diff(test.want, test.registry.requests); diff != "" {
				t.Errorf("requests differ (-want +got):\n%s", diff)
			}
			if status != test.status {
				t.Errorf("got status %d, want %d", status, test.status)
			}
		})
	}
}

func send(t *testing.T, s *auth.Session) (status int) {
	t.Helper()
	resp, err := s.RoundTrip(newRequest(t))
	if err != nil {
		t.Fatalf("RoundTrip: %v", err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func newRequest(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "https://registry.example/v2/shop/web/manifests/1", nil)
	if err != nil {
		t.Fatalf("NewRequest: %v", err)
	}
	return req
}

func TestSessionDoesNotChangeTheRequest(t *testing.T) {
	t.Parallel()
	r := fakeRegistry{challenge: basic, status: accepting("Basic")}
	req := newRequest(t)
	s := newClient(t).NewSession(r.endpoint(), imagepull.Credential{Username: "u", Password: "p"}, "shop/web")
	resp, err := s.RoundTrip(req)
	if err != nil {
		t.Fatalf("RoundTrip: %v", err)
	}
	defer resp.Body.Close()
	if len(req.Header) != 0 {
		t.Errorf("the request has header %v, want none", req.Header)
	}
}

// A node sends the header of its hosts.toml to the token service too.
func TestTokenRequestsHaveTheHeaderOfTheEndpoint(t *testing.T) {
	t.Parallel()
	for method, credential := range map[string]imagepull.Credential{
		http.MethodPost: {Username: "u", Password: "p"},
		http.MethodGet:  {},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			r := fakeRegistry{challenge: bearer, status: accepting("Bearer")}
			e := r.endpoint()
			e.Header = http.Header{"X-Team": {"shop"}}
			var got http.Header
			e.Transports.Token = roundTripFunc(func(req *http.Request) (*http.Response, error) {
				got = req.Header.Clone()
				return r.serveToken(req)
			})
			send(t, newClient(t).NewSession(e, credential, "shop/web"))
			if diff := gocmp.Diff([]string{"none", method + " token", "Bearer"}, r.requests); diff != "" {
				t.Errorf("requests differ (-want +got):\n%s", diff)
			}
			if got.Get("X-Team") != "shop" {
				t.Errorf("the token request has header %v, want X-Team", got)
			}
		})
	}
}

func TestSessionErrors(t *testing.T) {
	t.Parallel()
	account := imagepull.Credential{Username: "u", Password: "p"}
	tests := map[string]struct {
		challenge   string
		tokenStatus int
		credential  imagepull.Credential
		want        error
		loginFailed bool
	}{
		"basic without a credential":          {challenge: basic, want: auth.ErrNoBasicCredential},
		"the token service rejects a login":   {challenge: bearer, tokenStatus: 401, credential: account, want: &auth.TokenError{}, loginFailed: true},
		"the token service denies anonymous":  {challenge: bearer, tokenStatus: 401, want: &auth.TokenError{}},
		"the token service fails":             {challenge: bearer, tokenStatus: 503, credential: account, want: &auth.TokenError{}},
		"the realm is not a URL":              {challenge: `Bearer realm="/token"`, want: &auth.InvalidResponseError{}},
		"the realm is on another domain":      {challenge: `Bearer realm="https://other.test/"`, credential: account, want: &egress.ForbiddenError{}},
		"an anonymous token from that domain": {challenge: `Bearer realm="https://other.test/"`, tokenStatus: 500, want: &auth.TokenError{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := fakeRegistry{challenge: test.challenge, tokenStatus: test.tokenStatus, status: accepting("Basic")}
			resp, err := newClient(t).NewSession(r.endpoint(), test.credential, "shop/web").RoundTrip(newRequest(t))
			if err == nil {
				_ = resp.Body.Close()
				t.Fatalf("got status %d, want an error", resp.StatusCode)
			}
			if got, want := typeOf(err), typeOf(test.want); got != want {
				t.Errorf("got a %s (%v), want a %s", got, err, want)
			}
			if e, ok := errors.AsType[*auth.TokenError](err); ok && e.LoginFailed != test.loginFailed {
				t.Errorf("LoginFailed = %t, want %t", e.LoginFailed, test.loginFailed)
			}
		})
	}
}

func typeOf(err error) string {
	if _, ok := errors.AsType[*auth.TokenError](err); ok {
		return "token error"
	}
	if _, ok := errors.AsType[*auth.InvalidResponseError](err); ok {
		return "invalid response"
	}
	if _, ok := errors.AsType[*egress.ForbiddenError](err); ok {
		return "forbidden request"
	}
	return err.Error()
}
