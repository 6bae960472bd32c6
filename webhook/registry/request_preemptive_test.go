package registry_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

const open = host + "/open/app:1"

// newPartlyPublic returns a fixture whose registry challenges for some repositories only. The client has cached challenges of a
// private repository, and of open ones, which were private before, to a credential that the registry accepted then.
func newPartlyPublic(t *testing.T, cfg testregistry.Config, cred imagepull.Credential, more ...string) *fixture {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	cfg.Public, cfg.Now = append(cfg.Public, "open/*"), clock.Now
	w := newFixture(t, cfg, func(o *registry.Options) { o.Clock = clock })
	w.push("open/app:1")
	for _, ref := range append(more, web, open) {
		w.cacheChallenge(ref, cfg, cred)
	}
	clock.SetTime(clock.Now().Add(2 * time.Second)) // the tokens expire
	return w
}

// cacheChallenge makes the client cache a challenge of a repository to a credential, which the registry accepts for once.
func (w *fixture) cacheChallenge(ref string, cfg testregistry.Config, cred imagepull.Credential) {
	w.t.Helper()
	challenge := `Basic realm="Registry"`
	if cfg.Auth == testregistry.AuthBearer {
		challenge = `Bearer realm="https://` + host + `/token",service="registry.test"`
	} else if cred.IsAnonymous() {
		return // it cannot answer a Basic challenge
	}
	for _, fault := range []testregistry.Fault{
		{
			Path: "/v2/*", Authorization: testregistry.Absent, Status: http.StatusUnauthorized,
			Header: http.Header{"Www-Authenticate": {challenge}},
		},
		{Path: "/token", Body: `{"token":"old","access_token":"old","expires_in":1}`},
		{Path: "/v2/*", Authorization: testregistry.Present, Status: http.StatusOK, Header: http.Header{
			"Content-Type": {ociManifest}, "Docker-Content-Digest": {absentDigest}, "Content-Length": {"2"},
		}},
	} {
		defer w.Fault(fault)()
	}
	wantVerdict(w.t, w.resolve(ref, cred), "Pullable")
	w.ResetRequests()
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
			wire: []string{
				"HEAD open/app:1 mallory 401", "HEAD open/app:1 401",
				"HEAD open/app:1 mallory 401", "HEAD open/app:1 mallory 401", "HEAD open/app:1 mallory 401",
			},
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
			w := newPartlyPublic(t, test.config, test.cred)
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
			w := newPartlyPublic(t, bearer(), alice())
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
		w := newPartlyPublic(t, bearer(), mallory(), host+"/open/index:0")
		digest, err := w.PushIndex("open/index:1")
		if err != nil {
			t.Fatalf("PushIndex: %v", err)
		}
		wantVerdict(t, w.resolve(host+"/open/index:1", mallory()), "Pullable")
		wantWire(t, w.Server, post, get, "HEAD open/index:1 200", "GET open/index:"+digest+" 200")
	})
	t.Run("when the challenge has another scope", func(t *testing.T) {
		t.Parallel()
		w := newPartlyPublic(t, bearer(), mallory())
		w.Fault(testregistry.Fault{Path: "/v2/*", Status: 401, Header: http.Header{"Www-Authenticate": {
			`Bearer realm="https://` + host + `/token",service="registry.test",scope="repository:upstream:pull"`,
		}}})
		wantVerdict(t, w.resolve(web, mallory()), stale)
		wantWire(t, w.Server, post, get, "HEAD shop/web:1 401")
	})
	t.Run("when a later request is challenged", func(t *testing.T) {
		t.Parallel()
		w := newPartlyPublic(t, bearer(), mallory())
		w.Fault(testregistry.Fault{Method: http.MethodHead, Status: http.StatusMethodNotAllowed})
		wantVerdict(t, w.resolve(web, mallory()), stale)
		wantWire(t, w.Server, post, get, "HEAD shop/web:1 405", "GET shop/web:1 401")
	})
}

// A challenge is cached only if its answer was accepted.
func TestChangedTokenService(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ before, want string }{
		"another address":      {`/old",service="registry.test"`, "RegistryUnavailable: the token service returned 404"},
		"another service name": {`/token",service="old"`, "RegistryUnavailable: the token service returned 400"},
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
			wantWire(t, w.Server, "HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200")
		})
	}
}

// A challenge to one credential sends no other credential to the token service or to the registry.
func TestChallengeIsForOneCredential(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ config testregistry.Config }{"bearer": {bearer()}, "basic": {basic()}}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPartlyPublic(t, test.config, alice())
			wantVerdict(t, w.resolve(open, mallory()), "Pullable")
			wantWire(t, w.Server, "HEAD open/app:1 200")
		})
	}
}

// A repository that hides without a challenge never receives a credential, whatever another one of the host does.
func TestChallengeIsForOneRepository(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ config testregistry.Config }{"bearer": {bearer()}, "basic": {basic()}}
	for name, test := range tests {
		for _, order := range [][]string{{"hidden", "web"}, {"web", "hidden"}} {
			t.Run(name+", "+order[0]+" first", func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, test.config)
				w.push("shop/hidden:1")
				w.Fault(testregistry.Fault{Path: "/v2/shop/hidden/*", Status: http.StatusNotFound, Match: func(r *http.Request) bool {
					return r.Header.Get("Authorization") == ""
				}})
				for range 2 {
					for _, repository := range order {
						want := map[string]string{"web": "Pullable", "hidden": "NotFound: tag not found"}[repository]
						wantVerdict(t, w.resolve(host+"/shop/"+repository+":1", alice()), want)
					}
				}
			})
		}
	}
}

// A proxy may require a token for the upstream repository.
func TestScopesOfAnotherRepository(t *testing.T) {
	t.Parallel()
	sent := &recorder{}
	cfg := bearer()
	cfg.Accounts[0].Repositories = []string{"upstream/web"}
	w := newFixture(t, cfg, func(o *registry.Options) { o.Instrument = sent.wrap })
	w.Fault(testregistry.Fault{
		Path: "/v2/shop/web/*", Match: func(r *http.Request) bool { return r.Header.Get("Authorization") == "" },
		Status: 401, Header: http.Header{"Www-Authenticate": {
			`Bearer realm="https://` + host + `/token",service="registry.test",scope="repository:upstream/web:pull"`,
		}},
	})
	w.Fault(testregistry.Fault{Path: "/v2/shop/web/*", Status: 200, Header: http.Header{
		"Content-Type": {ociManifest}, "Docker-Content-Digest": {absentDigest}, "Content-Length": {"2"},
	}})
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200")
	if got, want := sent.tokenRequest.Get("scope"), "repository:shop/web:pull repository:upstream/web:pull"; got != want {
		t.Errorf("got scope %q, want %q", got, want)
	}
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 token=alice 200")
}

// Eight lookups send the refused password nine times, which is within its bound.
func TestConcurrentLookups(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	want := map[imagepull.Credential]string{alice(): "Pullable", mallory(): stale, anonymous(): private}
	var all sync.WaitGroup
	for range 8 {
		for cred, want := range want {
			all.Go(func() { wantVerdict(t, w.resolve(web, cred), want) })
		}
	}
	all.Wait()
}
