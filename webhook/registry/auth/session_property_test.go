package auth_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/auth"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// steadyRegistry gives each account always the same responses.
type steadyRegistry struct {
	// statuses and challenges are of the responses to an Authorization, such as "Basic ann".
	statuses   map[string]int
	challenges map[string]string
	// tokens are the statuses of the token service, by account.
	tokens map[string]int
}

func accounts() []imagepull.Credential {
	return []imagepull.Credential{{Username: "ann", Password: "a"}, {Username: "bob", Password: "b"}, {}}
}

func newSteadyRegistry(random *rand.Rand) steadyRegistry {
	r := steadyRegistry{map[string]int{}, map[string]string{}, map[string]int{}}
	challenges := []string{bearer, bearer, basic, bearer + `,error="e"`, bearer + `,scope="aws"`, ""}
	for _, cred := range accounts() {
		r.tokens[cred.Username] = []int{200, 200, 200, 401, 403, 503}[random.IntN(6)]
		for _, key := range []string{"", "Basic " + cred.Username, "Bearer " + cmp.Or(cred.Username, "anonymous")} {
			r.statuses[key] = []int{200, 200, 401, 401, 403, 404, 400, 503}[random.IntN(8)]
			r.challenges[key] = challenges[random.IntN(len(challenges))]
		}
	}
	return r
}

func (r steadyRegistry) endpoint() *auth.Endpoint {
	return &auth.Endpoint{ID: "endpoint", Hosts: []string{"registry.example"}, UserAgent: func() string { return "test" }, Transports: egress.Transports{
		Content: roundTripFunc(func(req *http.Request) (*http.Response, error) {
			key := req.Header.Get("Authorization")
			if user, _, ok := req.BasicAuth(); ok {
				key = "Basic " + user
			}
			resp := respond(req, r.statuses[key], "")
			if resp.StatusCode == http.StatusUnauthorized && r.challenges[key] != "" {
				resp.Header.Set("WWW-Authenticate", r.challenges[key])
			}
			return resp, nil
		}),
		Token: roundTripFunc(func(req *http.Request) (*http.Response, error) {
			user, _, _ := req.BasicAuth()
			if req.Method == http.MethodPost {
				body, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				form, err := url.ParseQuery(string(body))
				if err != nil {
					return nil, err
				}
				user = form.Get("username")
			}
			token := cmp.Or(user, "anonymous")
			return respond(req, r.tokens[user], `{"access_token":"`+token+`","token":"`+token+`"}`), nil
		}),
	}}
}

// lockedOut is the result of a lookup that must not send the password once more.
const lockedOut = "locked out"

// outcome returns the result of a lookup of two requests.
func outcome(t *testing.T, s *auth.Session) string {
	t.Helper()
	var parts []string
	for range 2 {
		resp, err := s.RoundTrip(newRequest(t))
		if err != nil {
			if _, ok := errors.AsType[*auth.LockoutError](err); ok {
				return lockedOut
			}
			if errors.Is(err, auth.ErrPasswordRefused) {
				err = errors.New("401")
			}
			parts = append(parts, err.Error())
			break
		}
		parts = append(parts, fmt.Sprint(resp.StatusCode))
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			break // the lookup ends
		}
	}
	return strings.Join(parts, ", then ")
}

// The caches change the requests, but never the result. A token service that accepts a password which its registry refuses leads to
// so many sends that the bound ends a lookup.
func TestWarmSessionsEqualColdOnes(t *testing.T) {
	t.Parallel()
	warmed, locked := 0, 0
	for seed := range uint64(5000) {
		random := rand.New(rand.NewPCG(seed, 1))
		registry := newSteadyRegistry(random)
		client := newClient(t)
		for range 4 {
			cred := accounts()[random.IntN(len(accounts()))]
			want := outcome(t, newClient(t).NewSession(registry.endpoint(), cred, "shop/web"))
			got := outcome(t, client.NewSession(registry.endpoint(), cred, "shop/web"))
			if got == lockedOut {
				locked++
			} else if got != want {
				t.Errorf("seed %d, account %q: got %s after other lookups, want %s\n%+v", seed, cred.Username, got, want, registry)
			}
			if want == "200, then 200" {
				warmed++
			}
		}
	}
	if warmed < 1000 || locked > 10 {
		t.Errorf("%d lookups succeeded and %d were locked out, want 1000 at least, and 10 at most", warmed, locked)
	}
}
