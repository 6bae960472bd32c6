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

func TestTokensAge(t *testing.T) {
	t.Parallel()
	const fresh, remembered = "POST /token alice 200", "HEAD shop/web:1 token=alice 200"
	tests := map[string]struct {
		token testregistry.TokenConfig
		after time.Duration
		want  []string
	}{
		"a young one is used again":              {after: 4 * time.Minute, want: []string{remembered}},
		"the last tenth of its life is not used": {after: 4*time.Minute + 31*time.Second, want: []string{fresh, remembered}},
		"one of no stated age lives a minute": {
			token: testregistry.TokenConfig{Omit: []string{"expires_in"}},
			after: 61 * time.Second, want: []string{fresh, remembered},
		},
		"a minute is not over before": {
			token: testregistry.TokenConfig{Omit: []string{"expires_in"}},
			after: 59 * time.Second, want: []string{remembered},
		},
		"no token lives longer than a quarter of an hour": {
			token: testregistry.TokenConfig{Lifetime: 24 * time.Hour},
			after: 16 * time.Minute, want: []string{fresh, remembered},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
			cfg := bearer()
			cfg.Token, cfg.Now = test.token, clock.Now
			w := newWorld(t, cfg, func(o *registry.Options) { o.Clock = clock })
			w.ask(web, alice())
			w.ResetRequests()

			clock.SetTime(clock.Now().Add(test.after))
			wantVerdict(t, w.ask(web, alice()), "Pullable")
			wantWire(t, w.Server, test.want...)
		})
	}
}

func TestAForgottenTokenIsFetchedOnce(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"401": http.StatusUnauthorized, "400 as ECR Public": http.StatusBadRequest} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, bearer())
			w.ask(web, alice())
			w.ResetRequests()
			w.Fault(testregistry.Fault{Path: "/v2/*", Times: 1, Status: status})

			wantVerdict(t, w.ask(web, alice()), "Pullable")
			line := fmt.Sprintf("HEAD shop/web:1 token=alice %d", status)
			wantWire(t, w.Server, line, "HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200")
		})
	}
}

func TestATokenThatEndsAmidAQuestion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bearer())
	digest, err := w.PushIndex("shop/index:1")
	if err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	w.Fault(testregistry.Fault{Method: http.MethodGet, Path: "/v2/*", Times: 1, Status: http.StatusUnauthorized})
	wantVerdict(t, w.ask(index, alice()), "Pullable")
	object := "shop/index:" + digest
	wantWire(t, w.Server, "HEAD shop/index:1 401", "POST /token alice 200", "HEAD shop/index:1 token=alice 200",
		"GET "+object+" token=alice 401", "GET "+object+" 401", "POST /token alice 200", "GET "+object+" token=alice 200")
}

func TestATokenThatIsNotRenewedIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bearer())
	wantVerdict(t, w.ask(web, alice()), "Pullable")
	w.Fault(testregistry.Fault{Path: "/token", Times: 1, Status: http.StatusForbidden})
	w.Fault(testregistry.Fault{Path: "/v2/*", Times: 1, Status: http.StatusUnauthorized})
	wantVerdict(t, w.ask(web, alice()), refused)
	w.ResetRequests()
	wantVerdict(t, w.ask(web, alice()), "Pullable")
	wantWire(t, w.Server, "POST /token alice 200", "HEAD shop/web:1 token=alice 200")
}

func TestATokenIsItsOwnersOnly(t *testing.T) {
	t.Parallel()
	cfg := bearer()
	cfg.Accounts = append(cfg.Accounts, testregistry.Account{Username: "bob", Password: "battery staple"})
	bob := imagepull.Credential{Username: "bob", Password: "battery staple", Source: "secret/lab/regcred"}
	impostor := imagepull.Credential{Username: "alice", Password: "a guess", Source: "secret/lab/guess"}
	// The same bytes, divided in another place.
	shifted := imagepull.Credential{Username: "alicec", Password: "orrect horse", Source: "secret/lab/shifted"}
	w := newWorld(t, cfg)
	wantVerdict(t, w.ask(web, alice()), "Pullable")
	for cred, want := range map[imagepull.Credential]string{
		bob:         "AccessDenied: the credential from secret/lab/regcred is refused",
		impostor:    "AccessDenied: the credential from secret/lab/guess is refused",
		shifted:     "AccessDenied: the credential from secret/lab/shifted is refused",
		anonymous(): private,
	} {
		w.ResetRequests()
		wantVerdict(t, w.ask(web, cred), want)
		for _, r := range w.Requests() {
			if r.Token && r.User == "alice" {
				t.Errorf("%v used alice's token:\n%s", cred, w.RequestSummary())
			}
		}
	}
}

func TestOneCredentialFromTwoSourcesSharesItsToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bearer())
	w.ask(web, alice())
	w.ResetRequests()
	again := alice()
	again.Source = "secret/lab/copy"
	v := w.ask(web, again)
	wantVerdict(t, v, "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 token=alice 200")
	if v.Credential != again.Source {
		t.Errorf("got credential %q, want %q", v.Credential, again.Source)
	}
}
