package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

// manifestImage is a fixture with an index of one image.
type manifestImage struct {
	*fixture
	child imagepull.Descriptor
}

func newManifestImage(t *testing.T, w *fixture) manifestImage {
	t.Helper()
	if _, err := w.PushIndex("shop/index:1", imagepull.Platform{OS: "linux", Architecture: "amd64"}); err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	v := w.resolve(index, alice())
	if len(v.Manifests) != 1 {
		t.Fatalf("got %d manifests, want 1", len(v.Manifests))
	}
	return manifestImage{w, v.Manifests[0]}
}

func (m manifestImage) findManifest(cred imagepull.Credential) imagepull.Verdict {
	m.t.Helper()
	ref := reference(host + "/shop/index@" + m.child.Digest)
	return registry.NewManifestResolver(m.client).Resolve(m.t.Context(), ref, cred)
}

// A private index of a new registry costs three requests, one GET of the index, and one HEAD of its manifest.
func TestManifestRequests(t *testing.T) {
	t.Parallel()
	m := newManifestImage(t, newFixture(t, bearer()))
	v := m.findManifest(alice())
	want := imagepull.Verdict{
		Reason: imagepull.ReasonPullable, Digest: m.child.Digest, Size: m.child.Size, Credential: alice().Source,
		Origin: imagepull.OriginRegistry,
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("verdict differs (-want +got):\n%s", diff)
	}
	got := wire(m.Server)
	if last := "HEAD shop/index:" + m.child.Digest + " token=alice 200"; len(got) != 5 || got[4] != last || !strings.HasPrefix(got[3], "GET") {
		t.Errorf("got requests:\n%s\nwant three, GET, and %s", strings.Join(got, "\n"), last)
	}
}

func TestManifestsOfAnIndex(t *testing.T) {
	t.Parallel()
	const shown = "the registry shows the index but refuses a manifest"
	type faults = []testregistry.Fault
	tests := map[string]struct {
		faults   faults
		want     string
		requests string
	}{
		"it exists":                     {nil, "Pullable", "HEAD 200"},
		"lost":                          {faults{{Status: 404}}, "BlobMissing: the registry has lost the manifest", "HEAD 404, GET 404"},
		"HEAD is not supported":         {faults{{Method: http.MethodHead, Status: 405}}, "Pullable", "HEAD 405, GET 200"},
		"HEAD does not find it":         {faults{{Method: http.MethodHead, Status: 404}}, "Pullable", "HEAD 404, GET 200"},
		"HEAD is forbidden":             {faults{{Method: http.MethodHead, Status: 403}}, "Pullable", "HEAD 403, GET 200"},
		"denied":                        {faults{{Status: 403}}, "AccessDenied: " + shown, "HEAD 403, GET 403"},
		"failing":                       {faults{{Status: 500}}, "RegistryUnavailable: the registry returned 500; transient", "HEAD 500, GET 500"},
		"rate limited":                  {faults{{Status: 429}}, "RateLimited: the registry limits the rate of requests", "HEAD 429"},
		"reset":                         {faults{{Reset: true}}, "RegistryUnavailable: the connection broke; transient", "HEAD"},
		"truncated":                     {faults{{Method: http.MethodHead, Status: 404}, {Method: http.MethodGet, Truncate: 5}}, "RegistryUnavailable: the connection broke; transient", "HEAD 404, GET 200"},
		"another document":              {faults{{Method: http.MethodHead, Status: 404}, {Method: http.MethodGet, Body: "{}"}}, "RegistryUnavailable: the registry's response does not match its digest", "HEAD 404, GET 200"},
		"without the headers of a node": {faults{{DropHeader: []string{"Docker-Content-Digest", "Content-Type"}}}, "Pullable", "HEAD 200"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newManifestImage(t, newFixture(t, testregistry.Config{}))
			for _, fault := range test.faults {
				m.Fault(fault)
			}
			m.ResetRequests()
			wantVerdict(t, m.findManifest(anonymous()), test.want)
			got := strings.ReplaceAll(strings.Join(wire(m.Server), ", "), " shop/index:"+m.child.Digest, "")
			if !strings.HasPrefix(got, test.requests) || strings.Count(got, ",") != strings.Count(test.requests, ",") {
				t.Errorf("got requests %q, want %q", got, test.requests)
			}
		})
	}
}

// The verdict states what a caller compares with the descriptor.
func TestStatementsAboutManifests(t *testing.T) {
	t.Parallel()
	const body = `{"manifests":[]}`
	tests := map[string]struct {
		fault     testregistry.Fault
		size      int64
		wantIndex bool
	}{
		"by HEAD":                  {testregistry.Fault{}, int64(len(body)), true},
		"of another size":          {testregistry.Fault{Header: http.Header{"Content-Length": {"7"}}}, 7, true},
		"without a size":           {testregistry.Fault{Header: http.Header{"Transfer-Encoding": {"chunked"}}, DropHeader: []string{"Content-Length"}}, 0, true},
		"compressed":               {testregistry.Fault{Header: http.Header{"Content-Encoding": {"gzip"}}}, 0, true},
		"by GET":                   {testregistry.Fault{Status: 405}, int64(len(body)), true},
		"with the type of another": {testregistry.Fault{Header: http.Header{"Content-Type": {ociManifest}}}, int64(len(body)), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, digest := newRawIndex(t, body)
			test.fault.Method = http.MethodHead
			w.Fault(test.fault)
			v := registry.NewManifestResolver(w.client).Resolve(t.Context(), reference(host+"/shop/index@"+digest), anonymous())
			wantVerdict(t, v, "Pullable")
			if v.Size != test.size || v.IsIndex != test.wantIndex {
				t.Errorf("got size %d, index: %t; want %d, %t", v.Size, v.IsIndex, test.size, test.wantIndex)
			}
		})
	}
}

// A node fetches a manifest even from a host that must not resolve images.
func TestManifestsFromMirrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mirror, upstream testregistry.Fault
		want             string
	}{
		"the mirror has it":        {testregistry.Fault{}, testregistry.Fault{Status: 404}, "Pullable"},
		"the registry has it":      {testregistry.Fault{Status: 404}, testregistry.Fault{}, "Pullable"},
		"no host has it":           {testregistry.Fault{Status: 404}, testregistry.Fault{Status: 404}, "BlobMissing: the registry has lost the manifest"},
		"the mirror fails":         {testregistry.Fault{Status: 502}, testregistry.Fault{Status: 404}, "RegistryUnavailable: mirror " + replica + ": the registry returned 502; transient"},
		"the mirror refuses it":    {testregistry.Fault{Status: 403}, testregistry.Fault{}, "Pullable"},
		"the registry is not used": {testregistry.Fault{}, testregistry.Fault{Status: 503}, "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts+"capabilities = [\"push\"]\n", testregistry.Config{})
			digest := m.push("shop/child:1")
			copyManifest(t, m.Server, m.mirror, "shop/child:1")
			for server, fault := range map[*testregistry.Server]testregistry.Fault{m.mirror: test.mirror, m.Server: test.upstream} {
				if fault.Status != 0 {
					server.Fault(fault)
				}
			}
			ref := reference(host + "/shop/child@" + digest)
			wantVerdict(t, registry.NewManifestResolver(m.client).Resolve(t.Context(), ref, anonymous()), test.want)
		})
	}
}

// A node expects the length that the registry stated when the index was resolved.
func TestIndexOfAnotherSize(t *testing.T) {
	t.Parallel()
	const wrong = "UnsupportedImage: the registry states a wrong size of the index"
	tests := map[string]struct {
		length  string
		runtime imagepull.Runtime
		want    string
	}{
		"too long":  {"17", "", wrong},
		"too short": {"15", "", wrong},
		"right":     {"16", "", "Pullable"},
		"CRI-O":     {"17", imagepull.RuntimeCRIO, "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := newRawIndex(t, `{"manifests":[]}`, func(o *registry.Options) { o.Runtime = test.runtime })
			wantVerdict(t, w.resolve(index, anonymous()), "Pullable")
			for name, fixture := range map[string]*fixture{"cold": newFixture(t, testregistry.Config{}), "cached": w} {
				if name == "cold" {
					fixture, _ = newRawIndex(t, `{"manifests":[]}`, func(o *registry.Options) { o.Runtime = test.runtime })
				}
				fixture.Fault(testregistry.Fault{Method: http.MethodHead, Header: http.Header{"Content-Length": {test.length}}})
				wantVerdict(t, fixture.resolve(index, anonymous()), test.want)
			}
		})
	}
}

// DeepResolver lists the manifests of an index within an index.
func TestDeepIndex(t *testing.T) {
	t.Parallel()
	body := fmt.Sprintf(`{"manifests":[{"mediaType":%q,"digest":%q,"size":7,"platform":{"os":"linux","architecture":"amd64"}}]}`, ociManifest, absentDigest)
	w, digest := newRawIndex(t, body)
	v := resolveDeep(t.Context(), w, host+"/shop/index@"+digest, anonymous())
	want := imagepull.Verdict{
		Reason: imagepull.ReasonPullable, Digest: digest, Size: int64(len(body)), IsIndex: true, Origin: imagepull.OriginRegistry,
		Platforms: []imagepull.Platform{{OS: "linux", Architecture: "amd64"}},
		Manifests: []imagepull.Descriptor{{Digest: absentDigest, Size: 7, Kind: imagepull.KindImage}},
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("verdict differs (-want +got):\n%s", diff)
	}
	wantWire(t, w.Server, "GET shop/index:"+digest+" 200")
}
