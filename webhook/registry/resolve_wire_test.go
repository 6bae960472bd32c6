package registry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

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
