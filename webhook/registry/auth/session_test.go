package auth_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
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
	requests    []string
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func (f *fakeRegistry) serveContent(req *http.Request) (*http.Response, error) {
	scheme, _, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	f.requests = append(f.requests, cmp.Or(scheme, "none"))
	resp := respond(req, f.status(scheme), "")
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
	return &auth.Endpoint{ID: "endpoint", Hosts: []string{"registry.example"}, UserAgent: func() string { return "test" }, Transports: egress.Transports{
		Content: roundTripFunc(f.serveContent), Token: roundTripFunc(f.serveToken),
	}}
}

func newClient(t *testing.T) *auth.Client {
	t.Helper()
	client, err := auth.NewClient(auth.Options{
		Clock:           clocktesting.NewFakePassiveClock(time.Unix(0, 0)),
		Keyer:           imagepull.NewCredentialKeyer(),
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
		"a challenge whose answer was refused is not cached": {
			registry: fakeRegistry{challenge: bearer, status: only(403, 401)}, sessions: []int{1, 1},
			want: []string{"none", "POST token", "Bearer", "none", "POST token", "Bearer"}, status: 403,
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

// Replicas of a registry may disagree for a moment. A node sends a request up to five times.
func TestSessionRepeatsARefusedRequest(t *testing.T) {
	t.Parallel()
	const (
		invalid = bearer + `,error="invalid_token"`
		other   = `Bearer realm="https://registry.example/other",service="s",error="e"`
	)
	repeat := func(word string, n int) []string { return slices.Repeat([]string{word}, n) }
	tests := map[string]struct {
		// challenges belong to the 401 responses, in order. The registry accepts all further requests.
		challenges []string
		want       []string
		status     int
	}{
		"bearer, once": {[]string{bearer, bearer}, []string{"none", "POST token", "Bearer", "Bearer"}, 200},
		"bearer, three times": {
			repeat(bearer, 4), append([]string{"none", "POST token"}, repeat("Bearer", 4)...), 200,
		},
		"bearer, four times": {
			repeat(bearer, 5), append([]string{"none", "POST token"}, repeat("Bearer", 4)...), 401,
		},
		"basic, once":        {[]string{basic, basic}, []string{"none", "Basic", "Basic"}, 200},
		"basic, three times": {repeat(basic, 4), append([]string{"none"}, repeat("Basic", 4)...), 200},
		"basic, four times":  {repeat(basic, 5), append([]string{"none"}, repeat("Basic", 4)...), 401},
		"basic after bearer": {[]string{bearer, basic}, []string{"none", "POST token", "Bearer", "Basic"}, 200},
		"bearer after basic": {[]string{basic, bearer}, []string{"none", "Basic", "Basic"}, 200},
		"a first challenge with error": {
			[]string{invalid, bearer}, []string{"none", "POST token", "Bearer", "Bearer"}, 200,
		},
		"a repeated challenge with an error": {[]string{bearer, invalid}, []string{"none", "POST token", "Bearer"}, 401},
		"an error at the third attempt": {
			[]string{bearer, bearer, other}, []string{"none", "POST token", "Bearer", "Bearer"}, 401,
		},
		"an empty error": {
			[]string{bearer, bearer + `,error=""`}, []string{"none", "POST token", "Bearer", "Bearer"}, 200,
		},
		"then no challenge": {[]string{bearer, ""}, []string{"none", "POST token", "Bearer"}, 401},
		"then an unknown one": {
			[]string{basic, "Negotiate"}, []string{"none", "Basic"}, 401,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &refusingRegistry{challenges: test.challenges}
			s := newClient(t).NewSession(r.endpoint(), imagepull.Credential{Username: "u", Password: "p"}, "shop/web")
			status := send(t, s)
			if diff := gocmp.Diff(test.want, r.requests); diff != "" {
				t.Errorf("requests differ (-want +got):\n%s", diff)
			}
			if status != test.status {
				t.Errorf("got status %d, want %d", status, test.status)
			}
		})
	}
}

// refusingRegistry refuses the first requests, each with its challenge.
type refusingRegistry struct {
	fakeRegistry
	challenges []string
}

func (r *refusingRegistry) endpoint() *auth.Endpoint {
	r.status = func(string) int { return http.StatusOK }
	e := r.fakeRegistry.endpoint()
	e.Transports.Content = roundTripFunc(func(req *http.Request) (*http.Response, error) {
		resp, err := r.serveContent(req)
		if len(r.challenges) > 0 {
			resp.StatusCode = http.StatusUnauthorized
			if r.challenges[0] != "" {
				resp.Header.Set("WWW-Authenticate", r.challenges[0])
			}
			r.challenges = r.challenges[1:]
		}
		return resp, err
	})
	return e
}

// A registry or a token service may lock an account after a few failed logins.
func TestBoundOfRefusedCredentials(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		challenge   string
		tokenStatus int
		sent        string
		want        int
	}{
		"a password, to the registry":      {basic, 200, "Basic", 4},
		"a password, to the token service": {bearer, 401, "POST token", 1},
		"the same, by the older method":    {bearer, 401, "GET token", 1},
		"a token that the service refuses": {bearer, 403, "POST token", 1},
	}
	for name, test := range tests {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, warm: %t", name, warm), func(t *testing.T) {
				t.Parallel()
				r := &fakeRegistry{challenge: test.challenge, status: func(string) int { return http.StatusUnauthorized }}
				client := newClient(t)
				if warm {
					scheme, _, _ := strings.Cut(test.challenge, " ")
					r.status = accepting(scheme)
					send(t, client.NewSession(r.endpoint(), imagepull.Credential{Username: "u", Password: "p"}, "shop/web"))
					r.status, r.requests = func(string) int { return http.StatusUnauthorized }, nil
				}
				r.tokenStatus = test.tokenStatus
				s := client.NewSession(r.endpoint(), imagepull.Credential{Username: "u", Password: "p"}, "shop/web")
				for range 3 { // a lookup has several requests, and each may be refused
					if resp, err := s.RoundTrip(newRequest(t)); err == nil {
						_ = resp.Body.Close()
					}
					s = s.Clone()
				}
				if got := len(slices.DeleteFunc(r.requests, func(sent string) bool { return sent != test.sent })); got > test.want {
					t.Errorf("the credential was refused %d times, want at most %d", got, test.want)
				}
			})
		}
	}
}

func TestAcceptedPasswordMayBeRefusedAgain(t *testing.T) {
	t.Parallel()
	r := &refusingRegistry{challenges: slices.Repeat([]string{basic}, 4)}
	s := newClient(t).NewSession(r.endpoint(), imagepull.Credential{Username: "u", Password: "p"}, "shop/web")
	for range 2 {
		if status := send(t, s); status != http.StatusOK {
			t.Errorf("got status %d, want 200", status)
		}
		r.challenges = slices.Repeat([]string{basic}, 3)
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
		"the realm is on another domain":      {challenge: `Bearer realm="https://other.test/"`, credential: account, want: &auth.ForeignServiceError{}},
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
	if _, ok := errors.AsType[*auth.ForeignServiceError](err); ok {
		return "foreign service"
	}
	return err.Error()
}
