package registry_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	const fetched, cached = "POST /token alice 200", "HEAD shop/web:1 token=alice 200"
	tests := map[string]struct {
		token testregistry.TokenConfig
		after time.Duration
		want  []string
	}{
		"a fresh token is used again": {after: 59 * time.Second, want: []string{cached}},
		"the last tenth of the lifetime is not used": {
			token: testregistry.TokenConfig{Lifetime: 30 * time.Second},
			after: 28 * time.Second, want: []string{fetched, cached},
		},
		"a token without an expiry lives a minute": {
			token: testregistry.TokenConfig{Omit: []string{"expires_in"}},
			after: 61 * time.Second, want: []string{fetched, cached},
		},
		"a token without an expiry lives no less": {
			token: testregistry.TokenConfig{Omit: []string{"expires_in"}},
			after: 59 * time.Second, want: []string{cached},
		},
		"a token lives at most a minute": {
			token: testregistry.TokenConfig{Lifetime: 24 * time.Hour},
			after: 61 * time.Second, want: []string{fetched, cached},
		},
		"a challenge lives at most five minutes": {
			token: testregistry.TokenConfig{Lifetime: 24 * time.Hour},
			after: 5*time.Minute + time.Second, want: []string{"HEAD shop/web:1 401", fetched, cached},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
			cfg := bearer()
			cfg.Token, cfg.Now = test.token, clock.Now
			w := newFixture(t, cfg, func(o *registry.Options) { o.Clock = clock })
			w.resolve(web, alice())
			w.ResetRequests()

			clock.SetTime(clock.Now().Add(test.after))
			wantVerdict(t, w.resolve(web, alice()), "Pullable")
			wantWire(t, w.Server, test.want...)
		})
	}
}

func TestRevokedTokenIsFetchedOnce(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"401": http.StatusUnauthorized, "400 as ECR Public": http.StatusBadRequest} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bearer())
			w.resolve(web, alice())
			w.ResetRequests()
			w.Fault(testregistry.Fault{Path: "/v2/*", Times: 1, Status: status})

			wantVerdict(t, w.resolve(web, alice()), "Pullable")
			line := fmt.Sprintf("HEAD shop/web:1 token=alice %d", status)
			wantWire(t, w.Server, line, "HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200")
		})
	}
}

func TestTokenThatExpiresDuringALookup(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	digest, err := w.PushIndex("shop/index:1")
	if err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	w.Fault(testregistry.Fault{Method: http.MethodGet, Path: "/v2/*", Times: 1, Status: http.StatusUnauthorized, Header: http.Header{
		"Www-Authenticate": {`Bearer realm="https://` + host + `/token",service="registry.test",error="invalid_token"`},
	}})
	wantVerdict(t, w.resolve(index, alice()), "Pullable")
	object := "shop/index:" + digest
	wantWire(t, w.Server, "HEAD shop/index:1 401", "POST /token alice 200", "HEAD shop/index:1 token=alice 200",
		"GET "+object+" token=alice 401", "POST /token alice 200", "GET "+object+" token=alice 200")
}

func TestTokenThatIsNotRenewedIsDeleted(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	w.Fault(testregistry.Fault{Path: "/token", Times: 1, Status: http.StatusForbidden})
	w.Fault(testregistry.Fault{Path: "/v2/*", Times: 1, Status: http.StatusUnauthorized})
	wantVerdict(t, w.resolve(web, alice()), refused)
	w.ResetRequests()
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	wantWire(t, w.Server, "POST /token alice 200", "HEAD shop/web:1 token=alice 200")
}

func TestTokenIsForOneCredential(t *testing.T) {
	t.Parallel()
	cfg := bearer()
	cfg.Accounts = append(cfg.Accounts, testregistry.Account{Username: "bob", Password: "battery staple"})
	bob := imagepull.Credential{Username: "bob", Password: "battery staple", Source: "secret/lab/regcred"}
	impostor := imagepull.Credential{Username: "alice", Password: "a guess", Source: "secret/lab/guess"}
	// The same bytes, divided at another place.
	shifted := imagepull.Credential{Username: "alicec", Password: "orrect horse", Source: "secret/lab/shifted"}
	w := newFixture(t, cfg)
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	for cred, want := range map[imagepull.Credential]string{
		bob:         "AccessDenied: the credential from secret/lab/regcred is refused",
		impostor:    "AccessDenied: the credential from secret/lab/guess is refused",
		shifted:     "AccessDenied: the credential from secret/lab/shifted is refused",
		anonymous(): private,
	} {
		w.ResetRequests()
		wantVerdict(t, w.resolve(web, cred), want)
		for _, r := range w.Requests() {
			if r.Token && r.User == "alice" {
				t.Errorf("%v used alice's token:\n%s", cred, w.RequestSummary())
			}
		}
	}
}

func TestOneCredentialFromTwoSourcesSharesItsToken(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	w.resolve(web, alice())
	w.ResetRequests()
	again := alice()
	again.Source = "secret/lab/copy"
	v := w.resolve(web, again)
	wantVerdict(t, v, "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 token=alice 200")
	if v.Credential != again.Source {
		t.Errorf("got credential %q, want %q", v.Credential, again.Source)
	}
}
