package registry_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

const rawIndex = `{"manifests":[]}`

func compress(t *testing.T, encoding, text string) string {
	t.Helper()
	var (
		b   bytes.Buffer
		w   io.WriteCloser
		err error
	)
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w, err = flate.NewWriter(&b, flate.BestSpeed)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	default:
		return text
	}
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatalf("compressing: %v", err)
	}
	return b.String()
}

// encoded returns the fault of a registry that compresses its responses to GET.
func encoded(t *testing.T, path, encoding, body string) testregistry.Fault {
	t.Helper()
	return testregistry.Fault{
		Method: http.MethodGet, Path: path, Body: compress(t, encoding, body),
		Header: http.Header{"Content-Encoding": {encoding}, "Content-Type": {ociIndex}},
	}
}

// A node accepts gzip, zstd and deflate for content by its digest, and gzip elsewhere.
func TestEncodedIndexes(t *testing.T) {
	t.Parallel()
	const unknown = "RegistryUnavailable: the registry sends content in an encoding that nodes do not request"
	tests := map[string]struct {
		encoding string
		noDigest bool // of HEAD, so that a node hashes the body of GET
		want     string
	}{
		"gzip": {encoding: "gzip", want: "Pullable"}, "zstd": {encoding: "zstd", want: "Pullable"},
		"deflate": {encoding: "deflate", want: "Pullable"}, "identity": {encoding: "identity", want: "Pullable"},
		"br":                     {encoding: "br", want: unknown},
		"gzip without a digest":  {encoding: "gzip", noDigest: true, want: "Pullable"},
		"zstd without a request": {encoding: "zstd", noDigest: true, want: unknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, digest := newRawIndex(t, rawIndex)
			w.Fault(encoded(t, "/v2/*", test.encoding, rawIndex))
			if test.noDigest {
				w.Fault(testregistry.Fault{Method: http.MethodHead, DropHeader: []string{"Docker-Content-Digest"}})
			}
			v := w.resolve(index, anonymous())
			wantVerdict(t, v, test.want)
			if test.want == "Pullable" && v.Digest != digest {
				t.Errorf("got digest %s, want %s", v.Digest, digest)
			}
		})
	}
}

func TestEncodedIndexesAreBounded(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"gzip", "zstd", "deflate"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			w, _ := newRawIndex(t, rawIndex, func(o *registry.Options) { o.ManifestBytes = 1 << 10 })
			w.Fault(encoded(t, "/v2/*", encoding, strings.Repeat(" ", 16<<20)))
			wantVerdict(t, w.resolve(index, anonymous()), "UnsupportedImage: the index is larger than the nodes' runtime accepts")
		})
	}
}

func TestEncodedTokens(t *testing.T) {
	t.Parallel()
	const unknown = "RegistryUnavailable: the registry sends content in an encoding that nodes do not request"
	for encoding, want := range map[string]string{"gzip": refused, "zstd": unknown} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bearer())
			fault := encoded(t, "/token", encoding, `{"access_token":"x"}`)
			fault.Method = http.MethodPost
			w.Fault(fault)
			wantVerdict(t, w.resolve(web, alice()), want) // the registry refuses the token, and so received it
		})
	}
}

func TestAcceptedEncodings(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	w, digest := newRawIndex(t, rawIndex, func(o *registry.Options) {
		o.Instrument = func(next http.RoundTripper) http.RoundTripper {
			return roundTripFunc(func(r *http.Request) (*http.Response, error) {
				got[r.Method+" "+r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]] = r.Header.Get("Accept-Encoding")
				return next.RoundTrip(r)
			})
		}
	})
	w.resolve(index, anonymous())
	w.Fault(testregistry.Fault{Method: http.MethodHead, DropHeader: []string{"Docker-Content-Digest"}})
	w.resolve(index, anonymous())
	for request, want := range map[string]string{
		"HEAD 1": "", "GET 1": "gzip", "GET " + digest: "zstd;q=1.0, gzip;q=0.8, deflate;q=0.5",
	} {
		if encoding := got[request]; encoding != want {
			t.Errorf("%s: got Accept-Encoding %q, want %q", request, encoding, want)
		}
	}
}
