package registry_test

import (
	"net/http"
	"sync"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

const open = host + "/open/app:1"

// newPartlyPublic returns a fixture whose registry challenges for some repositories only. The client has cached the challenge.
func newPartlyPublic(t *testing.T, cfg testregistry.Config) *fixture {
	t.Helper()
	cfg.Public = append(cfg.Public, "open/*")
	w := newFixture(t, cfg)
	w.push("open/app:1")
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	w.ResetRequests()
	return w
}

// A node sends its first request without authorization. Cached challenges must not change the verdict.
func TestPreemptiveAuthKeepsTheVerdict(t *testing.T) {
	t.Parallel()
	challenging, challengingBasic := bearer(), basic()
	challenging.ChallengePublic, challengingBasic.ChallengePublic = true, true
	tests := map[string]struct {
		config testregistry.Config
		cred   imagepull.Credential
		want   string
		wire   []string
	}{
		"bearer, a refused credential without a challenge": {
			config: bearer(), cred: mallory(), want: "Pullable",
			wire: []string{"POST /token mallory 401", "GET /token mallory 401", "HEAD open/app:1 200"},
		},
		"bearer, a refused credential with a challenge": {
			config: challenging, cred: mallory(), want: stale,
			wire: []string{"POST /token mallory 401", "GET /token mallory 401", "HEAD open/app:1 401"},
		},
		"bearer, anonymous with a challenge": {
			config: challenging, cred: anonymous(), want: "Pullable",
			wire: []string{"GET /token 200", "HEAD open/app:1 token= 200"},
		},
		"basic, a refused credential without a challenge": {
			config: basic(), cred: mallory(), want: "Pullable",
			wire: []string{"HEAD open/app:1 mallory 401", "HEAD open/app:1 200"},
		},
		"basic, a refused credential with a challenge": {
			config: challengingBasic, cred: mallory(), want: stale,
			wire: []string{"HEAD open/app:1 mallory 401", "HEAD open/app:1 401"},
		},
		"basic, anonymous without a challenge": {
			config: basic(), cred: anonymous(), want: "Pullable",
			wire: []string{"HEAD open/app:1 200"},
		},
		"basic, anonymous with a challenge": {
			config: challengingBasic, cred: anonymous(), want: private,
			wire: []string{"HEAD open/app:1 401"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPartlyPublic(t, test.config)
			wantVerdict(t, w.resolve(open, test.cred), test.want)
			wantWire(t, w.Server, test.wire...)
		})
	}
}

func TestFailedPreemptiveAuthFallsBack(t *testing.T) {
	t.Parallel()
	authorized := func(r *http.Request) bool { return r.Header.Get("Authorization") != "" && r.Method != http.MethodPost }
	tests := map[string]struct {
		fault testregistry.Fault
		want  string
	}{
		"hidden from the account":          {testregistry.Fault{Match: authorized, Status: 404}, "Pullable"},
		"denied to the account":            {testregistry.Fault{Match: authorized, Status: 403}, "Pullable"},
		"malformed to the registry":        {testregistry.Fault{Match: authorized, Status: 400}, "Pullable"},
		"the token service fails":          {testregistry.Fault{Path: "/token", Status: 503}, "Pullable"},
		"the token service denies":         {testregistry.Fault{Path: "/token", Status: 403}, "Pullable"},
		"the token service is reset":       {testregistry.Fault{Path: "/token", Reset: true}, "Pullable"},
		"the token service gives no token": {testregistry.Fault{Path: "/token", Body: "{}"}, "Pullable"},
		"the registry fails":               {testregistry.Fault{Path: "/v2/*", Status: 503}, "RegistryUnavailable: the registry returned 503; transient"},
		"the registry is reset":            {testregistry.Fault{Path: "/v2/*", Reset: true}, "RegistryUnavailable: the connection broke; transient"},
		"it exists for no account":         {testregistry.Fault{Path: "/v2/*", Status: 404}, "NotFound: tag not found"},
		"it is forbidden for all":          {testregistry.Fault{Path: "/v2/*", Status: 403}, refused},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPartlyPublic(t, bearer())
			w.Fault(test.fault)
			wantVerdict(t, w.resolve(open, alice()), test.want)
		})
	}
}

func TestRefusedCredentialIsNotSentAgain(t *testing.T) {
	t.Parallel()
	const post, get = "POST /token mallory 401", "GET /token mallory 401"
	t.Run("when the index is read", func(t *testing.T) {
		t.Parallel()
		w := newPartlyPublic(t, bearer())
		digest, err := w.PushIndex("open/index:1")
		if err != nil {
			t.Fatalf("PushIndex: %v", err)
		}
		wantVerdict(t, w.resolve(host+"/open/index:1", mallory()), "Pullable")
		wantWire(t, w.Server, post, get, "HEAD open/index:1 200", "GET open/index:"+digest+" 200")
	})
	t.Run("when the challenge has another scope", func(t *testing.T) {
		t.Parallel()
		w := newPartlyPublic(t, bearer())
		w.Fault(testregistry.Fault{Path: "/v2/*", Status: 401, Header: http.Header{"Www-Authenticate": {
			`Bearer realm="https://` + host + `/token",service="registry.test",scope="repository:upstream:pull"`,
		}}})
		wantVerdict(t, w.resolve(web, mallory()), stale)
		wantWire(t, w.Server, post, get, "HEAD shop/web:1 401")
	})
	t.Run("when a later request is challenged", func(t *testing.T) {
		t.Parallel()
		w := newPartlyPublic(t, bearer())
		w.Fault(testregistry.Fault{Method: http.MethodHead, Status: http.StatusMethodNotAllowed})
		wantVerdict(t, w.resolve(web, mallory()), stale)
		wantWire(t, w.Server, post, get, "HEAD shop/web:1 405", "GET shop/web:1 401")
	})
}

func TestChangedTokenService(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before, want string
		wire         []string
	}{
		"another address": {
			before: `/old",service="registry.test"`, want: "RegistryUnavailable: the token service returned 404",
			wire: []string{"POST /old 404", "GET /old alice 404"},
		},
		"another service name": {
			before: `/token",service="old"`, want: "RegistryUnavailable: the token service returned 400",
			wire: []string{"POST /token alice 400", "GET /token alice 400"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bearer())
			w.Fault(testregistry.Fault{Path: "/v2/*", Times: 1, Status: 401, Header: http.Header{
				"Www-Authenticate": {`Bearer realm="https://` + host + test.before},
			}})
			wantVerdict(t, w.resolve(web, alice()), test.want)
			w.ResetRequests()
			wantVerdict(t, w.resolve(web, alice()), "Pullable")
			wantWire(t, w.Server, append(test.wire, "HEAD shop/web:1 401",
				"POST /token alice 200", "HEAD shop/web:1 token=alice 200")...)
		})
	}
}

func TestCachedChallengeIsForAnyRepository(t *testing.T) {
	t.Parallel()
	w := newFixture(t, publicBearer())
	w.push("shop/cart:1")
	wantVerdict(t, w.resolve(web, anonymous()), "Pullable")
	w.ResetRequests()
	wantVerdict(t, w.resolve(host+"/shop/cart:1", anonymous()), "Pullable")
	const want = "scope=repository:shop/cart:pull&service=registry.test"
	if got := w.Requests()[0].Query; got != want {
		t.Errorf("got token request %q, want %q", got, want)
	}
}

// A proxy may require a token for the upstream repository.
func TestScopesOfAnotherRepository(t *testing.T) {
	t.Parallel()
	cfg := bearer()
	cfg.Accounts[0].Repositories = []string{"upstream/web", "shop/cart"}
	w := newFixture(t, cfg)
	w.push("shop/cart:1")
	wantVerdict(t, w.resolve(host+"/shop/cart:1", alice()), "Pullable")
	w.ResetRequests()

	w.Fault(testregistry.Fault{
		Path: "/v2/shop/web/*", Match: func(r *http.Request) bool { return r.Header.Get("Authorization") == "" },
		Status: 401, Header: http.Header{"Www-Authenticate": {
			`Bearer realm="https://` + host + `/token",service="registry.test",scope="repository:upstream/web:pull"`,
		}},
	})
	w.Fault(testregistry.Fault{
		Path: "/v2/shop/web/*", Match: func(*http.Request) bool { return len(w.Requests()) < 4 }, Status: 401,
	})
	w.Fault(testregistry.Fault{Path: "/v2/shop/web/*", Status: 200, Header: http.Header{
		"Content-Type": {ociManifest}, "Docker-Content-Digest": {absentDigest}, "Content-Length": {"2"},
	}})
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	wantWire(t, w.Server, "POST /token alice 200", "HEAD shop/web:1 token=alice 401", "HEAD shop/web:1 401",
		"POST /token alice 200", "HEAD shop/web:1 token=alice 200")
}

func TestConcurrentLookups(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	want := map[imagepull.Credential]string{alice(): "Pullable", mallory(): stale, anonymous(): private}
	var all sync.WaitGroup
	for range 17 {
		for cred, want := range want {
			all.Go(func() { wantVerdict(t, w.resolve(web, cred), want) })
		}
	}
	all.Wait()
}
