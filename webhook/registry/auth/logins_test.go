package auth_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/auth"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// directory is a registry and its token service. Both check passwords against the same directory, which counts the failed logins.
type directory struct {
	// challenge returns the challenge of a path, and takes the duration of a request.
	challenge func(path string) string
	takes     func() time.Duration
	// withoutPost makes the token service support GET only.
	withoutPost bool

	mu sync.Mutex
	// valid reports whether the password is right.
	valid    bool
	failures []time.Time
	logins   int
}

// login checks a password, and returns a status.
func (d *directory) login() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logins++
	if d.valid {
		return http.StatusOK
	}
	d.failures = append(d.failures, time.Now())
	return http.StatusUnauthorized
}

func (d *directory) setValid(valid bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.valid = valid
}

func (d *directory) serve(req *http.Request) (*http.Response, error) {
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case <-time.After(d.takes()):
	}
	_, _, hasPassword := req.BasicAuth()
	status := http.StatusOK
	switch {
	case d.withoutPost && req.Method == http.MethodPost:
		status = http.StatusNotFound
	case req.URL.Path == "/token", hasPassword:
		status = d.login()
	case req.Header.Get("Authorization") == "":
		status = http.StatusUnauthorized
	}
	resp := respond(req, status, `{"access_token":"t","token":"t","expires_in":1}`)
	if status == http.StatusUnauthorized {
		resp.Header.Set("WWW-Authenticate", d.challenge(req.URL.Path))
	}
	return resp, nil
}

func (d *directory) endpoint() *auth.Endpoint {
	return &auth.Endpoint{ID: "endpoint", Hosts: []string{"registry.example"}, UserAgent: func() string { return "test" }, Transports: egress.Transports{
		Content: roundTripFunc(d.serve), Token: roundTripFunc(d.serve),
	}}
}

func newDirectory(challenge string) *directory {
	return &directory{
		challenge: func(string) string { return challenge }, takes: func() time.Duration { return 10 * time.Millisecond },
	}
}

func newWallClient(t *testing.T) *auth.Client {
	t.Helper()
	client, err := auth.NewClient(auth.Options{Clock: clock.RealClock{}, Keyer: imagepull.NewCredentialKeyer(), PostCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// lookup sends one request, and returns its status or its error.
func (d *directory) lookup(ctx context.Context, client *auth.Client, repository string) string {
	s := client.NewSession(d.endpoint(), imagepull.Credential{Username: "u", Password: "p"}, repository)
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://registry.example/v2/"+repository+"/manifests/1", nil)
	if err != nil {
		return err.Error()
	}
	resp, err := s.RoundTrip(req)
	_, isToken := errors.AsType[*auth.TokenError](err)
	_, isLockout := errors.AsType[*auth.LockoutError](err)
	switch {
	case isLockout:
		return "locked out"
	case isToken, errors.Is(err, auth.ErrPasswordRefused):
		return "401"
	case err != nil:
		return err.Error()
	}
	_ = resp.Body.Close()
	return fmt.Sprint(resp.StatusCode)
}

// A password that was refused in a full lookup is sent once in each further lookup, and the last send is kept for a confirmation.
func TestSendsOfARefusedPassword(t *testing.T) {
	t.Parallel()
	confirm := auth.WithConfirmation
	plain := func(ctx context.Context) context.Context { return ctx }
	type step struct {
		after   time.Duration
		context func(context.Context) context.Context
		fixed   bool
		want    string
		logins  int // all, including this step
	}
	tests := map[string]struct {
		challenge string
		steps     []step
	}{
		"basic": {basic, []step{
			{0, plain, false, "401", 4},
			{300 * time.Millisecond, confirm, false, "401", 5},
			{2 * time.Second, confirm, false, "401", 6},
			{3 * time.Second, plain, false, "401", 7},
			{0, plain, false, "401", 8},
			{0, plain, false, "401", 9},
			{0, plain, false, "locked out", 9},
			{0, confirm, false, "401", 10},
			{0, confirm, false, "locked out", 10},
			{24 * time.Second, confirm, false, "locked out", 10},
			{time.Second, plain, false, "401", 14}, // 30 s after the first lookup, a node's number of sends again
		}},
		"bearer": {bearer, []step{
			{0, plain, false, "401", 2},
			{300 * time.Millisecond, confirm, false, "401", 3},
			{2 * time.Second, plain, false, "401", 4},
			{30 * time.Second, plain, false, "401", 6},
		}},
		"basic, then corrected": {basic, []step{
			{0, plain, false, "401", 4},
			{time.Second, plain, true, "200", 5},
			{time.Second, plain, false, "401", 9}, // the password was accepted meanwhile
		}},
		"bearer, then corrected": {bearer, []step{
			{0, plain, false, "401", 2},
			{time.Second, plain, true, "200", 4}, // by GET, and by POST as a node
			{2 * time.Second, plain, false, "401", 6},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, client := newDirectory(test.challenge), newWallClient(t)
				for i, step := range test.steps {
					time.Sleep(step.after)
					d.setValid(step.fixed)
					got := d.lookup(step.context(t.Context()), client, "shop/web")
					if got != step.want || d.logins != step.logins {
						t.Errorf("step %d: got %s after %d logins, want %s after %d", i, got, d.logins, step.want, step.logins)
					}
				}
			})
		})
	}
}

// One of the images gets as many sends as on a node, and one send is left to confirm its denial.
func TestPodOfManyImagesHasAFullLookup(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{basic, bearer} {
		synctest.Test(t, func(t *testing.T) {
			d, client := newDirectory(challenge), newWallClient(t)
			results := make([]string, 16)
			var all sync.WaitGroup
			for i := range results {
				all.Go(func() { results[i] = d.lookup(t.Context(), client, fmt.Sprint("shop/", i)) })
			}
			all.Wait()
			if !slices.Contains(results, "401") || !slices.Contains(results, "locked out") || len(d.failures) != 9 {
				t.Errorf("%s: got %v with %d failed logins, want some 401 with 9", challenge, results, len(d.failures))
			}
			if got := d.lookup(auth.WithConfirmation(t.Context()), client, "shop/0"); got != "401" {
				t.Errorf("%s: the confirmation got %s, want 401", challenge, got)
			}
		})
	}
}

// Only one of two lookups sends the password as often as a node.
func TestOneLookupAtATimeSendsAPasswordThatIsNotKnown(t *testing.T) {
	t.Parallel()
	for challenge, want := range map[string]int{basic: 5, bearer: 3} {
		synctest.Test(t, func(t *testing.T) {
			d, client := newDirectory(challenge), newWallClient(t)
			var all sync.WaitGroup
			for _, repository := range []string{"shop/a", "shop/b"} {
				all.Go(func() {
					if got := d.lookup(t.Context(), client, repository); got != "401" {
						t.Errorf("%s: got %s, want 401", challenge, got)
					}
				})
			}
			all.Wait()
			if d.logins != want {
				t.Errorf("%s: %d logins, want %d", challenge, d.logins, want)
			}
		})
	}
}

// The password was accepted, so that many lookups send it at the same time.
func TestPasswordThatIsChangedUnderLoad(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{basic, bearer} {
		synctest.Test(t, func(t *testing.T) {
			d, client := newDirectory(challenge), newWallClient(t)
			d.valid = true
			d.lookup(t.Context(), client, "shop/web")
			d.setValid(false)
			var all sync.WaitGroup
			for i := range 32 {
				all.Go(func() { d.lookup(t.Context(), client, fmt.Sprint("shop/", i)) })
			}
			all.Wait()
			if len(d.failures) > 9 {
				t.Errorf("%s: %d failed logins, want 9 at most", challenge, len(d.failures))
			}
		})
	}
}

// The registry and its token service are one server, and the session has a turn there when it needs another one.
func TestRegistryThatChangesItsScheme(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, client := newDirectory(basic), newWallClient(t)
		d.valid = true
		d.lookup(t.Context(), client, "shop/web")
		d.setValid(false)
		d.challenge = func(string) string { return bearer }
		if got := d.lookup(t.Context(), client, "shop/web"); got != "401" || len(d.failures) != 3 {
			t.Errorf("got %s after %d failed logins, want 401 after 3: by the first scheme, by POST and by GET", got, len(d.failures))
		}
	})
}

// Only a success shows that a password is accepted.
func TestOtherFailuresDoNotAcceptAPassword(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		r := &fakeRegistry{challenge: basic, status: func(string) int { return http.StatusUnauthorized }}
		client := newClient(t)
		sends := func(respond int) int {
			r.requests = nil
			r.status = func(scheme string) int {
				if scheme == "" {
					return http.StatusUnauthorized
				}
				return respond
			}
			s := client.NewSession(r.endpoint(), imagepull.Credential{Username: "u", Password: "p"}, "shop/web")
			if resp, err := s.RoundTrip(newRequest(t)); err == nil {
				_ = resp.Body.Close()
			}
			return len(slices.DeleteFunc(r.requests, func(sent string) bool { return sent != "Basic" }))
		}
		got := []int{sends(http.StatusUnauthorized), sends(status), sends(http.StatusUnauthorized)}
		if diff := gocmp.Diff([]int{4, 1, 1}, got); diff != "" {
			t.Errorf("sends with %d between two refusals (-want +got):\n%s", status, diff)
		}
	}
}

// The first lookup shows that the password is accepted. The others wait for it, and then run at the same time.
func TestAcceptedPasswordIsSentInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, client := newDirectory(basic), newWallClient(t)
		d.valid = true
		start := time.Now()
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if got := d.lookup(t.Context(), client, fmt.Sprint("shop/", i)); got != "200" {
					t.Errorf("got %s, want 200", got)
				}
			})
		}
		all.Wait()
		if got, want := time.Since(start), 30*time.Millisecond; got != want {
			t.Errorf("eight lookups took %v, want %v: without a password, the first one, and the others", got, want)
		}
	})
}

// A lookup that waits for another one ends with its context.
func TestLookupDoesNotWaitForASlowOneForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, client := newDirectory(basic), newWallClient(t)
		d.takes = func() time.Duration { return time.Second }
		go d.lookup(t.Context(), client, "shop/web")
		time.Sleep(time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if diff := gocmp.Diff(context.DeadlineExceeded.Error(), d.lookup(ctx, client, "shop/other")); diff != "" {
			t.Errorf("result (-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute) // the first lookup ends
	})
}

// TestFailedLoginsAreBounded makes lookups at random times, by both methods, for several repositories. Passwords become right
// and wrong, and requests take long or are cancelled. A password that becomes right between POST and GET hides the failed POST, so
// that the token service then supports GET only.
func TestFailedLoginsAreBounded(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testBound(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func testBound(t *testing.T, random *rand.Rand) {
	d, client := newDirectory(""), newWallClient(t)
	d.challenge = func(path string) string { return []string{basic, bearer}[len(path)%2] }
	var mu sync.Mutex
	number := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	d.takes = func() time.Duration { return time.Duration(number(200)) * time.Millisecond }
	results := map[string]int{}
	var all sync.WaitGroup
	steady := random.IntN(3) > 0 // the password is never right
	d.withoutPost = !steady
	for range 400 {
		all.Go(func() {
			time.Sleep(time.Duration(number(90_000)) * time.Millisecond)
			if !steady && number(8) == 0 {
				d.setValid(number(2) == 0)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(number(3000))*time.Millisecond)
			defer cancel()
			if number(4) == 0 {
				ctx = auth.WithConfirmation(ctx)
			}
			got := d.lookup(ctx, client, []string{"shop/a", "shop/bb", "shop/c"}[number(3)])
			mu.Lock()
			defer mu.Unlock()
			results[got]++
		})
	}
	all.Wait()
	for i, last := range d.failures {
		if i >= 10 && last.Sub(d.failures[i-10]) < auth.LockoutPeriod {
			t.Errorf("more than 10 failed logins within %v", last.Sub(d.failures[i-10]))
		}
	}
	if len(d.failures) < 10 || results["401"] == 0 || steady && results["200"] > 0 {
		t.Errorf("results = %v with %d failed logins, want many", results, len(d.failures))
	}
}
