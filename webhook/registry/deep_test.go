package registry_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

// deep is a world with an image of five layers in it.
type deep struct {
	*world
	digest   string
	manifest ocispec.Manifest
}

func newDeep(t *testing.T, w *world) deep {
	t.Helper()
	digest, err := w.PushImage("shop/deep:1", testregistry.WithLayers(5, 64))
	if err != nil {
		t.Fatalf("PushImage: %v", err)
	}
	body, err := w.Manifest("shop/deep:1")
	if err != nil {
		t.Fatalf("Manifest: %v", err)
	}
	d := deep{world: w, digest: digest}
	if err := json.Unmarshal(body, &d.manifest); err != nil {
		t.Fatalf("decoding the manifest: %v", err)
	}
	return d
}

// lose removes the configuration or a layer by its place.
func (d deep) lose(blob ocispec.Descriptor) {
	d.t.Helper()
	if err := d.DeleteBlob("shop/deep", blob.Digest.String()); err != nil {
		d.t.Fatalf("DeleteBlob: %v", err)
	}
}

func (d deep) inspect(cred imagepull.Credential) imagepull.Verdict {
	d.t.Helper()
	return inspect(d.t.Context(), d.world, host+"/shop/deep@"+d.digest, cred)
}

func inspect(ctx context.Context, w *world, ref string, cred imagepull.Credential) imagepull.Verdict {
	return registry.NewDeepResolver(w.client).Resolve(ctx, reference(ref), cred)
}

// blobPath is where the layer is.
func blobPath(blob ocispec.Descriptor) string { return "/v2/shop/deep/blobs/" + blob.Digest.String() }

// allBlobs chooses every one of the image.
const allBlobs = "/v2/shop/deep/blobs/*"

// TestADeepCheckOnTheWire: ten requests for a private image of five layers, with one token.
func TestADeepCheckOnTheWire(t *testing.T) {
	t.Parallel()
	d := newDeep(t, newWorld(t, bearer()))
	wantVerdict(t, d.ask(host+"/shop/deep:1", alice()), "Pullable")
	wantWire(t, d.Server, "HEAD shop/deep:1 401", "POST /token alice 200", "HEAD shop/deep:1 token=alice 200")

	v := d.inspect(alice())
	want := imagepull.Verdict{
		Reason: imagepull.ReasonPullable, Digest: d.digest, Credential: alice().Source, Origin: imagepull.OriginRegistry,
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

func TestLostParts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lose func(d deep)
		want string
	}{
		"nothing":           {func(deep) {}, "Pullable"},
		"the configuration": {func(d deep) { d.lose(d.manifest.Config) }, "BlobMissing: the registry has lost the configuration"},
		"a layer":           {func(d deep) { d.lose(d.manifest.Layers[2]) }, "BlobMissing: the registry has lost layer 3 of 5"},
		"two layers": {func(d deep) {
			d.lose(d.manifest.Layers[4])
			d.lose(d.manifest.Layers[1])
		}, "BlobMissing: the registry has lost layer 2 of 5"},
		"the manifest": {func(d deep) {
			d.Fault(testregistry.Fault{Method: http.MethodGet, Path: "/v2/shop/deep/manifests/*", Status: 404})
		}, "BlobMissing: the registry has lost the manifest"},
		"a layer, with others in doubt": {func(d deep) {
			d.lose(d.manifest.Layers[3])
			d.Fault(testregistry.Fault{Path: blobPath(d.manifest.Layers[0]), Status: 503})
		}, "BlobMissing: the registry has lost layer 4 of 5"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeep(t, newWorld(t, bearer()))
			test.lose(d)
			wantVerdict(t, d.inspect(alice()), test.want)
		})
	}
}

func TestAnswersForLayers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault testregistry.Fault
		want  string
	}{
		"HEAD is not allowed":               {testregistry.Fault{Method: http.MethodHead, Status: 405}, "Pullable"},
		"HEAD is forbidden":                 {testregistry.Fault{Method: http.MethodHead, Status: 403}, "Pullable"},
		"HEAD does not find what GET finds": {testregistry.Fault{Method: http.MethodHead, Status: 404}, "Pullable"},
		"HEAD fails":                        {testregistry.Fault{Method: http.MethodHead, Status: 500}, "Pullable"},
		"forbidden":                         {testregistry.Fault{Status: 403}, "AccessDenied: the registry shows the manifest but refuses layer 1 of 5"},
		"unauthorized":                      {testregistry.Fault{Status: 401}, "AccessDenied: the registry shows the manifest but refuses layer 1 of 5"},
		"failing":                           {testregistry.Fault{Status: 503}, "RegistryUnavailable: the registry answered 503; transient"},
		"broken off":                        {testregistry.Fault{Reset: true}, "RegistryUnavailable: the connection broke; transient"},
		"redirected for ever":               {testregistry.Fault{RedirectLoop: true}, "RegistryUnavailable: the registry redirects too often"},
		"redirected to nowhere":             {testregistry.Fault{Redirect: "https://gone.example"}, "RegistryUnavailable: no such host; transient"},
		"rate limited": {
			testregistry.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}},
			"RateLimited: the registry limits the rate of requests; retry after 7s",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeep(t, newWorld(t, testregistry.Config{}))
			test.fault.Path = allBlobs
			test.fault.Match = func(r *http.Request) bool { return r.URL.Path != blobPath(d.manifest.Config) }
			d.Fault(test.fault)
			wantVerdict(t, d.inspect(anonymous()), test.want)
		})
	}
}

// A rate limit costs as many requests as are on their way, and no GET.
func TestARateLimitEndsTheSearch(t *testing.T) {
	t.Parallel()
	d := newDeep(t, newWorld(t, testregistry.Config{}))
	d.Fault(testregistry.Fault{Method: http.MethodHead, Status: 429})
	d.inspect(anonymous())
	heads := len(wire(d.Server)) - 2
	if gets := strings.Count(d.RequestSummary(), "GET"); heads > 4 || gets != 2 {
		t.Errorf("got %d requests for layers, want 4 at most and no GET:\n%s", heads, d.RequestSummary())
	}
}

func TestAnUnfinishedSearchIsDoubt(t *testing.T) {
	t.Parallel()
	d := newDeep(t, newWorld(t, testregistry.Config{}))
	d.lose(d.manifest.Layers[0])
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.Fault(testregistry.Fault{Method: http.MethodHead, Path: allBlobs, Hang: true, Match: func(*http.Request) bool {
		cancel()
		return true
	}})
	v := inspect(ctx, d.world, host+"/shop/deep@"+d.digest, anonymous())
	wantVerdict(t, v, "DeadlineExceeded: the registry gave no answer in time")
}

func TestPartsThatAreSomethingElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ path func(d deep) string }{
		"the manifest":      {func(d deep) string { return "/v2/shop/deep/manifests/" + d.digest }},
		"the configuration": {func(d deep) string { return blobPath(d.manifest.Config) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeep(t, newWorld(t, testregistry.Config{}))
			d.Fault(testregistry.Fault{Path: test.path(d), Body: "{}"})
			wantVerdict(t, d.inspect(anonymous()), "RegistryUnavailable: the registry's answer does not match its digest")
		})
	}
}
