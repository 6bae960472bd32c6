package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestContentTypes(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		ociManifest: "Pullable",
		"application/vnd.docker.distribution.manifest.v2+json": "Pullable",
		ociManifest + "; charset=utf-8":                        "Pullable",
		ociManifest + ";charset=utf-8":                         "Pullable",
		// containerd compares the text before the semicolon byte by byte.
		ociManifest + " ; charset=utf-8": notAManifest,
		strings.ToUpper(ociManifest):     notAManifest,
		"":                               notAManifest,
		"text/html; charset=utf-8":       notAManifest,
		"application/json":               notAManifest,
		"application/octet-stream":       notAManifest,
		"application/vnd.docker.distribution.manifest.v1+json":      oldSchema,
		"application/vnd.docker.distribution.manifest.v1+prettyjws": oldSchema,
		"text/plain":                oldSchema,
		"text/plain; charset=utf-8": oldSchema,
	}
	for contentType, want := range tests {
		t.Run(contentType, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			if _, err := w.PushManifest("shop/raw:1", contentType, []byte(`{"schemaVersion":2}`)); err != nil {
				t.Fatalf("PushManifest: %v", err)
			}
			got := w.resolve(host+"/shop/raw:1", anonymous())
			wantVerdict(t, got, want)
			if got.IsSchema1 != (want == oldSchema) {
				t.Errorf("IsSchema1 = %t", got.IsSchema1)
			}
			wantWire(t, w.Server, "HEAD shop/raw:1 200")
		})
	}
}

func TestIncompleteHeadersAreReplacedByTheBody(t *testing.T) {
	t.Parallel()
	const head, get, none = "HEAD shop/web:1 200", "GET shop/web:1 200", "HEAD shop/web:1 405"
	noHead := testregistry.Fault{Method: http.MethodHead, Status: http.StatusMethodNotAllowed}
	badDigest := http.Header{"Docker-Content-Digest": {"sha256:short"}}
	tests := map[string]struct {
		faults []testregistry.Fault
		want   string
		wire   []string
	}{
		"no HEAD": {
			faults: []testregistry.Fault{noHead},
			want:   "Pullable", wire: []string{none, get},
		},
		"no digest": {
			faults: []testregistry.Fault{{DropHeader: []string{"Docker-Content-Digest"}}},
			want:   "Pullable", wire: []string{head, get},
		},
		"no length": {
			faults: []testregistry.Fault{{Method: http.MethodHead, DropHeader: []string{"Content-Length"}}},
			want:   "Pullable", wire: []string{head, get},
		},
		"no HEAD and no digest": {
			faults: []testregistry.Fault{noHead, {DropHeader: []string{"Docker-Content-Digest"}}},
			want:   "Pullable", wire: []string{none, get},
		},
		"an invalid digest": {
			faults: []testregistry.Fault{{Header: badDigest}},
			want:   invalidDigest, wire: []string{head},
		},
		"an unknown algorithm": {
			faults: []testregistry.Fault{{Header: http.Header{"Docker-Content-Digest": {"md5:d41d8cd98f00b204e9800998ecf8427e"}}}},
			want:   invalidDigest, wire: []string{head},
		},
		"no HEAD and an invalid digest": {
			faults: []testregistry.Fault{noHead, {Header: badDigest}},
			want:   invalidDigest, wire: []string{none, get},
		},
		"no length, so that an invalid digest is ignored": {
			faults: []testregistry.Fault{
				{Method: http.MethodHead, DropHeader: []string{"Content-Length"}}, {Header: badDigest},
			},
			want: "Pullable", wire: []string{head, get},
		},
		"no length, and GET is denied": {
			faults: []testregistry.Fault{
				{Method: http.MethodHead, DropHeader: []string{"Content-Length"}}, {Status: http.StatusForbidden},
			},
			want: private, wire: []string{head, "GET shop/web:1 403"},
		},
		"no length, and the body ends early": {
			faults: []testregistry.Fault{
				{Method: http.MethodHead, DropHeader: []string{"Content-Length"}}, {Truncate: 5},
			},
			want: "RegistryUnavailable: the connection broke; transient", wire: []string{head, get},
		},
		"a length of zero": {
			faults: []testregistry.Fault{{Header: http.Header{"Content-Length": {"0"}}}},
			want:   noSize, wire: []string{head},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			digest := w.push("shop/web:1")
			for _, f := range test.faults {
				w.Fault(f)
			}
			v := w.resolve(web, anonymous())
			wantVerdict(t, v, test.want)
			wantWire(t, w.Server, test.wire...)
			if test.want == "Pullable" && v.Digest != digest {
				t.Errorf("got digest %q, want %q", v.Digest, digest)
			}
		})
	}
}

// A node ignores the digest header if the reference has a digest.
func TestDigestOfTheReferenceWins(t *testing.T) {
	t.Parallel()
	tests := map[string]testregistry.Fault{
		"the registry agrees":               {},
		"the registry gives none":           {DropHeader: []string{"Docker-Content-Digest"}},
		"the registry gives another":        {Header: http.Header{"Docker-Content-Digest": {absentDigest}}},
		"the registry gives an invalid one": {Header: http.Header{"Docker-Content-Digest": {"none"}}},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			digest := w.push("shop/web:1")
			w.Fault(fault)
			v := w.resolve(host+"/shop/web@"+digest, anonymous())
			wantVerdict(t, v, "Pullable")
			if v.Digest != digest {
				t.Errorf("got digest %q, want %q", v.Digest, digest)
			}
			wantWire(t, w.Server, "HEAD shop/web:"+digest+" 200")
		})
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	const containerd = 4393216
	tests := map[string]struct {
		limit, size int
		want        string
	}{
		"at the configured limit":   {limit: 64, size: 64, want: "Pullable"},
		"over the configured limit": {limit: 64, size: 65, want: tooLarge},
		"at containerd's limit":     {size: containerd, want: "Pullable"},
		"over containerd's limit":   {size: containerd + 1, want: tooLarge},
		"empty":                     {size: 0, want: noSize},
	}
	for name, test := range tests {
		for _, method := range []string{"HEAD", "GET"} {
			t.Run(name+" by "+method, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, testregistry.Config{}, func(o *registry.Options) { o.ManifestBytes = int64(test.limit) })
				body := []byte(strings.Repeat(" ", test.size))
				if _, err := w.PushManifest("shop/raw:1", ociManifest, body); err != nil {
					t.Fatalf("PushManifest: %v", err)
				}
				if method == http.MethodGet {
					w.Fault(testregistry.Fault{Method: http.MethodHead, Status: http.StatusMethodNotAllowed})
				}
				v := w.resolve(host+"/shop/raw:1", anonymous())
				wantVerdict(t, v, test.want)
				if want := digest.FromBytes(body).String(); test.want == "Pullable" && v.Digest != want {
					t.Errorf("got digest %q, want %q", v.Digest, want)
				}
			})
		}
	}
}

func TestSingleManifestHasNoPlatforms(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	if v := w.resolve(web, anonymous()); v.IsIndex || v.Platforms != nil {
		t.Errorf("got %s, want a single manifest", fmt.Sprintf("index %t with platforms %v", v.IsIndex, v.Platforms))
	}
}
