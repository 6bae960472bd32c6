package registry_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// A private image of five layers costs ten requests, with one token.
func TestDeepRequests(t *testing.T) {
	t.Parallel()
	d := newDeepImage(t, newFixture(t, bearer()))
	wantVerdict(t, d.resolve(host+"/shop/deep:1", alice()), "Pullable")
	wantWire(t, d.Server, "HEAD shop/deep:1 401", "POST /token alice 200", "HEAD shop/deep:1 token=alice 200")

	v := d.resolveDeep(alice())
	want := imagepull.Verdict{
		Reason: imagepull.ReasonPullable, Digest: d.digest, Size: d.size, Credential: alice().Source, Origin: imagepull.OriginRegistry,
		Platforms: []imagepull.Platform{{OS: "linux", Architecture: "amd64"}},
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("verdict differs (-want +got):\n%s", diff)
	}
	got := wire(d.Server)
	wantFirst := []string{
		"GET shop/deep:" + d.digest + " token=alice 200",
		"GET shop/deep/blobs/" + d.manifest.Config.Digest.String() + " token=alice 200",
	}
	var wantLayers []string
	for _, layer := range d.manifest.Layers {
		wantLayers = append(wantLayers, "HEAD shop/deep/blobs/"+layer.Digest.String()+" token=alice 200")
	}
	slices.Sort(wantLayers)
	slices.Sort(got[2:])
	if diff := cmp.Diff(append(wantFirst, wantLayers...), got); diff != "" {
		t.Errorf("requests differ (-want +got):\n%s", diff)
	}
}

func TestLostBlobs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lose func(d deepImage)
		want string
	}{
		"no blob":           {func(deepImage) {}, "Pullable"},
		"the configuration": {func(d deepImage) { d.lose(d.manifest.Config) }, "BlobMissing: the registry has lost the configuration"},
		"a layer":           {func(d deepImage) { d.lose(d.manifest.Layers[2]) }, "BlobMissing: the registry has lost layer 3 of 5"},
		"two layers": {func(d deepImage) {
			d.lose(d.manifest.Layers[4])
			d.lose(d.manifest.Layers[1])
		}, "BlobMissing: the registry has lost layer 2 of 5"},
		"the manifest": {func(d deepImage) {
			d.Fault(testregistry.Fault{Method: http.MethodGet, Path: "/v2/shop/deep/manifests/*", Status: 404})
		}, "BlobMissing: the registry has lost the manifest"},
		"a layer, with others Indeterminate": {func(d deepImage) {
			d.lose(d.manifest.Layers[3])
			d.Fault(testregistry.Fault{Path: blobPath(d.manifest.Layers[0]), Status: 503})
		}, "BlobMissing: the registry has lost layer 4 of 5"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeepImage(t, newFixture(t, bearer()))
			test.lose(d)
			wantVerdict(t, d.resolveDeep(alice()), test.want)
		})
	}
}

func TestResponsesForLayers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault testregistry.Fault
		want  string
	}{
		"HEAD is not allowed":           {testregistry.Fault{Method: http.MethodHead, Status: 405}, "Pullable"},
		"HEAD is forbidden":             {testregistry.Fault{Method: http.MethodHead, Status: 403}, "Pullable"},
		"HEAD finds no blob, GET does":  {testregistry.Fault{Method: http.MethodHead, Status: 404}, "Pullable"},
		"HEAD fails":                    {testregistry.Fault{Method: http.MethodHead, Status: 500}, "Pullable"},
		"forbidden":                     {testregistry.Fault{Status: 403}, "AccessDenied: the registry serves the manifest but refuses layer 1 of 5"},
		"unauthorized":                  {testregistry.Fault{Status: 401}, "AccessDenied: the registry serves the manifest but refuses layer 1 of 5"},
		"failing":                       {testregistry.Fault{Status: 503}, "RegistryUnavailable: the registry returned 503; transient"},
		"reset":                         {testregistry.Fault{Reset: true}, "RegistryUnavailable: the connection broke; transient"},
		"redirected without end":        {testregistry.Fault{RedirectLoop: true}, "RegistryUnavailable: the registry redirects too often"},
		"redirected to an unknown host": {testregistry.Fault{Redirect: "https://gone.example"}, "RegistryUnavailable: no such host; transient"},
		"rate limited": {
			testregistry.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}},
			"RateLimited: the registry limits the rate of requests; retry after 7s",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeepImage(t, newFixture(t, testregistry.Config{}))
			test.fault.Path = allBlobs
			test.fault.Match = func(r *http.Request) bool { return r.URL.Path != blobPath(d.manifest.Config) }
			d.Fault(test.fault)
			wantVerdict(t, d.resolveDeep(anonymous()), test.want)
		})
	}
}

// After a rate limit only the requests in flight are completed, without a GET.
func TestRateLimitEndsTheBlobChecks(t *testing.T) {
	t.Parallel()
	d := newDeepImage(t, newFixture(t, testregistry.Config{}))
	d.Fault(testregistry.Fault{Method: http.MethodHead, Status: 429})
	d.resolveDeep(anonymous())
	heads := len(wire(d.Server)) - 2
	if gets := strings.Count(d.RequestSummary(), "GET"); heads > 4 || gets != 2 {
		t.Errorf("got %d requests for layers, want 4 at most and no GET:\n%s", heads, d.RequestSummary())
	}
}

func TestUnfinishedBlobChecksAreIndeterminate(t *testing.T) {
	t.Parallel()
	d := newDeepImage(t, newFixture(t, testregistry.Config{}))
	d.lose(d.manifest.Layers[0])
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.Fault(testregistry.Fault{Method: http.MethodHead, Path: allBlobs, Hang: true, Match: func(*http.Request) bool {
		cancel()
		return true
	}})
	v := resolveDeep(ctx, d.fixture, host+"/shop/deep@"+d.digest, anonymous())
	wantVerdict(t, v, "DeadlineExceeded: the registry did not respond in time")
}

func TestContentWithAnotherDigest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ path func(d deepImage) string }{
		"the manifest":      {func(d deepImage) string { return "/v2/shop/deep/manifests/" + d.digest }},
		"the configuration": {func(d deepImage) string { return blobPath(d.manifest.Config) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeepImage(t, newFixture(t, testregistry.Config{}))
			d.Fault(testregistry.Fault{Path: test.path(d), Body: "{}"})
			wantVerdict(t, d.resolveDeep(anonymous()), "RegistryUnavailable: the registry's response does not match its digest")
		})
	}
}
