package registry_test

import (
	"net/http"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

func onCRIO(o *registry.Options) { o.Runtime = imagepull.RuntimeCRIO }

const crioSuffix = "; CRI-O may still find an image or an artifact in it"

// CRI-O accepts the old format. Its result for unknown types cannot be determined.
func TestContentTypesOnCRIO(t *testing.T) {
	t.Parallel()
	const notByType = "RegistryUnavailable: the registry's response is not a manifest by its content type" + crioSuffix
	tests := map[string]string{
		ociManifest: "Pullable",
		"application/vnd.docker.distribution.manifest.v1+json":      "Pullable",
		"application/vnd.docker.distribution.manifest.v1+prettyjws": "Pullable",
		"text/plain":               notByType,
		"text/html; charset=utf-8": notByType,
		"application/json":         notByType,
		"":                         notByType,
		ociIndex:                   "RegistryUnavailable: the index cannot be decoded" + crioSuffix,
	}
	for contentType, want := range tests {
		t.Run(contentType, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{}, onCRIO)
			if _, err := w.PushManifest("shop/raw:1", contentType, []byte(`{"layers":[]}`)); err != nil {
				t.Fatalf("PushManifest: %v", err)
			}
			wantVerdict(t, w.resolve(host+"/shop/raw:1", anonymous()), want)
		})
	}
}

func TestUnusableHeadersOnCRIO(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header http.Header
		want   string
	}{
		"an invalid digest": {
			header: http.Header{"Docker-Content-Digest": {"sha256:1"}},
			want:   "RegistryUnavailable: the registry returned an invalid digest for the manifest" + crioSuffix,
		},
		"no size": {
			header: http.Header{"Content-Length": {"0"}},
			want:   "RegistryUnavailable: the registry returned no size for the manifest" + crioSuffix,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{}, onCRIO)
			w.Fault(testregistry.Fault{Method: http.MethodHead, Header: test.header})
			wantVerdict(t, w.resolve(web, anonymous()), test.want)
		})
	}
}

// Each runtime has its own limit. A configured limit counts if it is lower.
func TestManifestLimits(t *testing.T) {
	t.Parallel()
	const (
		ofCRIO       = 4 << 20
		ofContainerd = 4393216
		small        = 1 << 10
	)
	tests := map[string]struct {
		runtime          imagepull.Runtime
		configured, size int
		want             string
	}{
		"containerd's limit":                        {size: ofContainerd, want: "Pullable"},
		"beyond containerd's":                       {size: ofContainerd + 1, want: tooLarge},
		"beyond it, with a higher configured limit": {configured: 2 * ofContainerd, size: ofContainerd + 1, want: tooLarge},
		"CRI-O's limit":                             {runtime: imagepull.RuntimeCRIO, configured: ofContainerd, size: ofCRIO, want: "Pullable"},
		"beyond CRI-O's":                            {runtime: imagepull.RuntimeCRIO, configured: ofContainerd, size: ofCRIO + 1, want: tooLarge},
		"beyond the configured limit":               {runtime: imagepull.RuntimeCRIO, configured: small, size: small + 1, want: tooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{}, func(o *registry.Options) {
				o.Runtime, o.ManifestBytes = test.runtime, int64(test.configured)
			})
			body := []byte(`{"schemaVersion":2,"x":"` + strings.Repeat("x", test.size-26) + `"}`)
			if _, err := w.PushManifest("shop/large:1", ociManifest, body); err != nil {
				t.Fatalf("PushManifest: %v", err)
			}
			if len(body) != test.size {
				t.Fatalf("made a manifest of %d bytes, want %d", len(body), test.size)
			}
			wantVerdict(t, w.resolve(host+"/shop/large:1", anonymous()), test.want)
		})
	}
}

// CRI-O does not send POST for credentials or HEAD for manifests, so services without them are sufficient.
func TestRequestsOfCRIO(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config          testregistry.Config
		fault           testregistry.Fault
		want, otherwise string // on CRI-O, and on containerd
		wire            []string
	}{
		"credentials by GET": {
			config: bearer(), fault: testregistry.Fault{Path: "/token", Method: http.MethodPost, Status: http.StatusForbidden},
			want: "Pullable", otherwise: "AccessDenied: the credential from secret/shop/regcred is refused",
			wire: []string{"HEAD shop/web:1 401", "GET /token alice 200", "HEAD shop/web:1 token=alice 200"},
		},
		"HEAD is forbidden": {
			fault: testregistry.Fault{Method: http.MethodHead, Status: http.StatusForbidden},
			want:  "Pullable", otherwise: "AccessDenied: the credential from secret/shop/regcred is refused",
			wire: []string{"HEAD shop/web:1 403", "GET shop/web:1 200"},
		},
		"HEAD finds nothing": {
			fault: testregistry.Fault{Method: http.MethodHead, Status: http.StatusNotFound},
			want:  "Pullable", otherwise: "NotFound: tag not found",
			wire: []string{"HEAD shop/web:1 404", "GET shop/web:1 200"},
		},
		"HEAD is limited": {
			fault: testregistry.Fault{Method: http.MethodHead, Status: http.StatusTooManyRequests},
			want:  "RateLimited: the registry limits the rate of requests", otherwise: "RateLimited: the registry limits the rate of requests",
			wire: []string{"HEAD shop/web:1 429"},
		},
		"neither finds it": {
			fault: testregistry.Fault{Status: http.StatusNotFound},
			want:  "NotFound: tag not found", otherwise: "NotFound: tag not found",
			wire: []string{"HEAD shop/web:1 404", "GET shop/web:1 404"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, test.config, onCRIO)
			w.Fault(test.fault)
			wantVerdict(t, w.resolve(web, alice()), test.want)
			wantWire(t, w.Server, test.wire...)
			other := newFixture(t, test.config)
			other.Fault(test.fault)
			wantVerdict(t, other.resolve(web, alice()), test.otherwise)
		})
	}
}
