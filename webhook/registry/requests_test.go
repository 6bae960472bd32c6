package registry_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

func bearer() testregistry.Config {
	return testregistry.Config{Auth: testregistry.AuthBearer, Accounts: []testregistry.Account{account()}}
}

func basic() testregistry.Config {
	return testregistry.Config{Auth: testregistry.AuthBasic, Accounts: []testregistry.Account{account()}}
}

func TestColdQuestionsOnTheWire(t *testing.T) {
	t.Parallel()
	public := bearer()
	public.Public, public.ChallengePublic = []string{"*"}, true
	tests := map[string]struct {
		config testregistry.Config
		cred   imagepull.Credential
		want   []string
	}{
		"an open registry is asked once": {
			cred: anonymous(),
			want: []string{"HEAD shop/web:1 200"},
		},
		"an open registry never sees the credential": {
			cred: alice(),
			want: []string{"HEAD shop/web:1 200"},
		},
		"basic takes two": {
			config: basic(), cred: alice(),
			want: []string{"HEAD shop/web:1 401", "HEAD shop/web:1 alice 200"},
		},
		"bearer takes three": {
			config: bearer(), cred: alice(),
			want: []string{"HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200"},
		},
		"an anonymous token comes by GET": {
			config: public, cred: anonymous(),
			want: []string{"HEAD shop/web:1 401", "GET /token 200", "HEAD shop/web:1 token= 200"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.config)
			v := w.ask(web, test.cred)
			wantVerdict(t, v, "Pullable")
			if v.Credential != test.cred.Source {
				t.Errorf("got credential %q, want %q", v.Credential, test.cred.Source)
			}
			wantWire(t, w.Server, test.want...)
		})
	}
}

func TestWarmQuestionsOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bearer())
	w.push("shop/cart:1")
	w.ask(web, alice())
	w.ResetRequests()

	wantVerdict(t, w.ask(web, alice()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 token=alice 200")

	wantVerdict(t, w.ask(host+"/shop/cart:1", alice()), "Pullable")
	wantWire(t, w.Server, "POST /token alice 200", "HEAD shop/cart:1 token=alice 200")
}

func TestWarmBasicIsShownAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, basic())
	w.ask(web, alice())
	w.ResetRequests()

	wantVerdict(t, w.ask(web, alice()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 alice 200")
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testregistry.Config{}, func(o *registry.Options) { o.UserAgent = "pullgate/test" })
	if _, err := w.PushIndex("shop/index:1", imagepull.Platform{OS: "linux", Architecture: "amd64"}); err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	w.ask(host+"/shop/index:1", anonymous())
	var got []string
	for _, r := range w.Requests() {
		got = append(got, r.Method+" "+r.UserAgent+" "+r.Accept)
	}
	want := []string{
		"HEAD pullgate/test application/vnd.docker.distribution.manifest.v2+json, " +
			"application/vnd.docker.distribution.manifest.list.v2+json, " +
			"application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*",
		"GET pullgate/test application/vnd.oci.image.index.v1+json, */*",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests differ (-want +got):\n%s", diff)
	}
}

func TestAnIndexCostsOneRequestMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bearer())
	digest, err := w.PushIndex("shop/index:1", imagepull.Platform{OS: "linux", Architecture: "arm64"})
	if err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	v := w.ask(host+"/shop/index:1", alice())
	wantVerdict(t, v, "Pullable")
	wantWire(t, w.Server, "HEAD shop/index:1 401", "POST /token alice 200",
		"HEAD shop/index:1 token=alice 200", "GET shop/index:"+digest+" token=alice 200")
}

func TestAMissingTagCostsOneRequestMoreForItsCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bearer())
	wantVerdict(t, w.ask(host+"/shop/web:2", alice()), "NotFound: tag not found")
	wantWire(t, w.Server, "HEAD shop/web:2 401", "POST /token alice 200",
		"HEAD shop/web:2 token=alice 404", "GET shop/web:2 token=alice 404")

	wantVerdict(t, w.ask(host+"/shop/web:2", alice()), "NotFound: tag not found")
	wantWire(t, w.Server, "HEAD shop/web:2 token=alice 404", "HEAD shop/web:2 401", "GET shop/web:2 token=alice 404")
}

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
