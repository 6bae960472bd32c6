package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestPlatforms(t *testing.T) {
	t.Parallel()
	amd64 := imagepull.Platform{OS: "linux", Architecture: "amd64"}
	arm := imagepull.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
	windows := imagepull.Platform{
		OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.2113", OSFeatures: []string{"win32k"},
	}
	attestation := imagepull.Platform{OS: "unknown", Architecture: "unknown"}
	tests := map[string][]imagepull.Platform{
		"none":                            {},
		"one":                             {amd64},
		"several":                         {amd64, arm, windows},
		"attestations only":               {attestation, attestation},
		"an entry without a platform":     {{}, amd64},
		"only entries without a platform": {{}},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			digest, err := w.PushIndex("shop/index:1", want...)
			if err != nil {
				t.Fatalf("PushIndex: %v", err)
			}
			v := w.resolve(index, anonymous())
			wantVerdict(t, v, "Pullable")
			if diff := cmp.Diff(want, v.Platforms); diff != "" || !v.IsIndex || v.Digest != digest {
				t.Errorf("got index %t, digest %q; platforms differ (-want +got):\n%s", v.IsIndex, v.Digest, diff)
			}
		})
	}
}

func TestInvalidIndexes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, want string }{
		"not JSON":                           {"<html>", undecoded},
		"truncated JSON":                     {`{"manifests":[`, undecoded},
		"data after the end":                 {`{"manifests":[]} {}`, undecoded},
		"a list":                             {`[]`, undecoded},
		"manifests of another type":          {`{"manifests":"none"}`, undecoded},
		"a manifest by its media type":       {`{"mediaType":"` + ociManifest + `","manifests":[]}`, undecoded},
		"a manifest by its configuration":    {`{"config":{},"manifests":[]}`, undecoded},
		"a manifest by its layers":           {`{"layers":[],"manifests":[]}`, undecoded},
		"schema 1 by its layers":             {`{"fsLayers":[],"manifests":[]}`, undecoded},
		"without manifests":                  {`{}`, "Pullable"},
		"with a digest of another algorithm": {`{"manifests":[{"digest":"sha512:00","size":1}]}`, "Pullable"},
		"with an invalid digest":             {`{"manifests":[{"digest":"none","size":-1}]}`, "Pullable"},
		"with unknown fields":                {`{"manifests":[{"platform":{"os":"linux","features":"none"}}],"x":1}`, "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, digest := newRawIndex(t, test.body)
			wantVerdict(t, w.resolve(index, anonymous()), test.want)
			wantWire(t, w.Server, "HEAD shop/index:1 200", "GET shop/index:"+digest+" 200")
		})
	}
}

func TestUnreadableIndexes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		get  testregistry.Fault
		want string
	}{
		"lost":          {testregistry.Fault{Status: 404}, "NotFound: the registry lists the tag but has lost its manifest"},
		"denied":        {testregistry.Fault{Status: 403}, private},
		"rate limited":  {testregistry.Fault{Status: 429}, "RateLimited: the registry limits the rate of requests"},
		"failing":       {testregistry.Fault{Status: 502}, "RegistryUnavailable: the registry returned 502; transient"},
		"reset":         {testregistry.Fault{Reset: true}, "RegistryUnavailable: the connection broke; transient"},
		"truncated":     {testregistry.Fault{Truncate: 5}, "RegistryUnavailable: the connection broke; transient"},
		"another index": {testregistry.Fault{Body: `{"manifests":[{}]}`}, "RegistryUnavailable: the registry's response does not match its digest"},
		"too large":     {testregistry.Fault{Body: strings.Repeat(" ", 65)}, "UnsupportedImage: the index is larger than the nodes' runtime accepts"},
		"empty":         {testregistry.Fault{Status: 200}, "RegistryUnavailable: the registry's response does not match its digest"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := newRawIndex(t, `{"manifests":[]}`, func(o *registry.Options) { o.ManifestBytes = 64 })
			test.get.Method = http.MethodGet
			w.Fault(test.get)
			wantVerdict(t, w.resolve(index, anonymous()), test.want)
		})
	}
}

func TestIndexInTheBodyIsNotReadAgain(t *testing.T) {
	t.Parallel()
	w, _ := newRawIndex(t, `{"manifests":[]}`)
	w.Fault(testregistry.Fault{Method: http.MethodHead, Status: http.StatusMethodNotAllowed})
	wantVerdict(t, w.resolve(index, anonymous()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/index:1 405", "GET shop/index:1 200")

	// If the digest header does not match the body, a node sends a request for that digest.
	w.Fault(testregistry.Fault{Path: "/v2/shop/index/manifests/1", Header: http.Header{"Docker-Content-Digest": {absentDigest}}})
	wantVerdict(t, w.resolve(index, anonymous()), "NotFound: the registry lists the tag but has lost its manifest")
	wantWire(t, w.Server, "HEAD shop/index:1 405", "GET shop/index:1 200", "GET shop/index:"+absentDigest+" 404")
}

func TestIndexByOtherAlgorithms(t *testing.T) {
	t.Parallel()
	const body = `{"manifests":[]}`
	sum := digest.SHA512.FromString(body).String()
	w, _ := newRawIndex(t, body)
	w.Fault(testregistry.Fault{Method: http.MethodHead, Header: http.Header{"Docker-Content-Digest": {sum}}})
	w.Fault(testregistry.Fault{Path: "/v2/shop/index/manifests/sha512:*", Body: body})
	v := w.resolve(index, anonymous())
	wantVerdict(t, v, "Pullable")
	if v.Digest != sum {
		t.Errorf("got digest %q, want %q", v.Digest, sum)
	}
}

func TestPlatformsArePlainNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 33)
	body := fmt.Sprintf(`{"manifests":[{"platform":{"os":"li\nnux","architecture":"<b>","variant":%q,"os.version":"1 2",
		"os.features":["ok","\u001b[31m"%s]}}]}`, long, strings.Repeat(`,"x"`, 20))
	w, _ := newRawIndex(t, body)
	v := w.resolve(index, anonymous())
	features := append([]string{"ok", "unknown"}, strings.Split(strings.Repeat("x", 14), "")...)
	want := []imagepull.Platform{{
		OS: "unknown", Architecture: "unknown", Variant: "unknown", OSVersion: "unknown", OSFeatures: features,
	}}
	if diff := cmp.Diff(want, v.Platforms); diff != "" {
		t.Errorf("platforms differ (-want +got):\n%s", diff)
	}
}

func TestManyEntries(t *testing.T) {
	t.Parallel()
	tests := map[int]string{
		1000:      "Pullable",
		1001:      "RegistryUnavailable: the index has more entries than Pullgate reads",
		1_400_000: "RegistryUnavailable: the index has more entries than Pullgate reads",
	}
	for entries, want := range tests {
		t.Run(fmt.Sprint(entries), func(t *testing.T) {
			t.Parallel()
			w, _ := newRawIndex(t, `{"manifests":[{}`+strings.Repeat(",{}", entries-1)+`]}`)
			wantVerdict(t, w.resolve(index, anonymous()), want)
		})
	}
}
