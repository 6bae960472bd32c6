package registry_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestColdRequests(t *testing.T) {
	t.Parallel()
	public := bearer()
	public.Public, public.ChallengePublic = []string{"*"}, true
	tests := map[string]struct {
		config testregistry.Config
		cred   imagepull.Credential
		want   []string
	}{
		"an open registry receives one request": {
			cred: anonymous(),
			want: []string{"HEAD shop/web:1 200"},
		},
		"an open registry receives no credential": {
			cred: alice(),
			want: []string{"HEAD shop/web:1 200"},
		},
		"basic costs two requests": {
			config: basic(), cred: alice(),
			want: []string{"HEAD shop/web:1 401", "HEAD shop/web:1 alice 200"},
		},
		"bearer costs three requests": {
			config: bearer(), cred: alice(),
			want: []string{"HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 200"},
		},
		"an anonymous token is requested by GET": {
			config: public, cred: anonymous(),
			want: []string{"HEAD shop/web:1 401", "GET /token 200", "HEAD shop/web:1 token= 200"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, test.config)
			v := w.resolve(web, test.cred)
			wantVerdict(t, v, "Pullable")
			if v.Credential != test.cred.Source {
				t.Errorf("got credential %q, want %q", v.Credential, test.cred.Source)
			}
			wantWire(t, w.Server, test.want...)
		})
	}
}

func TestWarmRequests(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	w.push("shop/cart:1")
	w.resolve(web, alice())
	w.ResetRequests()

	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 token=alice 200")

	// A challenge is for one repository.
	wantVerdict(t, w.resolve(host+"/shop/cart:1", alice()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/cart:1 401", "POST /token alice 200", "HEAD shop/cart:1 token=alice 200")
}

func TestWarmBasicIsSentPreemptively(t *testing.T) {
	t.Parallel()
	w := newFixture(t, basic())
	w.resolve(web, alice())
	w.ResetRequests()

	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 alice 200")
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{}, func(o *registry.Options) { o.UserAgent = func() string { return "pullgate/test" } })
	if _, err := w.PushIndex("shop/index:1", imagepull.Platform{OS: "linux", Architecture: "amd64"}); err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	w.resolve(host+"/shop/index:1", anonymous())
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

// The User-Agent names the runtime of the nodes, and the nodes change.
func TestUserAgentOfEachRequest(t *testing.T) {
	t.Parallel()
	versions := 0
	w := newFixture(t, bearer(), func(o *registry.Options) {
		o.UserAgent = func() string { versions++; return fmt.Sprintf("containerd/2.4.%d (compatible; pullgate/1)", versions) }
	})
	w.resolve(web, alice())
	for i, version := range []int{1, 2, 1} { // HEAD, its token, and HEAD again
		r := w.Requests()[i]
		if want := fmt.Sprintf("containerd/2.4.%d (compatible; pullgate/1)", version); r.UserAgent != want {
			t.Errorf("%s %s: got User-Agent %q, want %q", r.Method, r.Path, r.UserAgent, want)
		}
	}
}

func TestIndexCostsOneMoreRequest(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	digest, err := w.PushIndex("shop/index:1", imagepull.Platform{OS: "linux", Architecture: "arm64"})
	if err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	v := w.resolve(host+"/shop/index:1", alice())
	wantVerdict(t, v, "Pullable")
	wantWire(t, w.Server, "HEAD shop/index:1 401", "POST /token alice 200",
		"HEAD shop/index:1 token=alice 200", "GET shop/index:"+digest+" token=alice 200")
}

func TestMissingTagCostsOneMoreRequest(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	wantVerdict(t, w.resolve(host+"/shop/web:2", alice()), "NotFound: tag not found")
	wantWire(t, w.Server, "HEAD shop/web:2 401", "POST /token alice 200",
		"HEAD shop/web:2 token=alice 404", "GET shop/web:2 token=alice 404")

	// A preemptive request decides only if it succeeds.
	w.resolve(web, alice())
	w.ResetRequests()
	wantVerdict(t, w.resolve(host+"/shop/web:2", alice()), "NotFound: tag not found")
	wantWire(t, w.Server, "HEAD shop/web:2 token=alice 404", "HEAD shop/web:2 401", "POST /token alice 200",
		"HEAD shop/web:2 token=alice 404", "GET shop/web:2 token=alice 404")
}
