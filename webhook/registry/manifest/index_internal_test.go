package manifest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// FuzzIndex parses arbitrary indexes: the platforms hold plain names only, and not too many.
func FuzzIndex(f *testing.F) {
	for _, seed := range []string{
		`{"manifests":[{"platform":{"os":"linux","architecture":"arm","variant":"v7"}},{}]}`,
		`{"manifests":[{"platform":{"os":"windows","os.version":"10.0","os.features":["win32k","\n"]}}]}`,
		`{"mediaType":"application/vnd.oci.image.manifest.v1+json"}`, `{"config":null}`, `[]`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		index, err := ParseIndex(body)
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatalf("parsed invalid JSON as %+v", index)
		}
		platforms := index.Platforms()
		if len(platforms) > maxElements || len(platforms) != len(index.Manifests()) {
			t.Errorf("got %d platforms and %d manifests", len(platforms), len(index.Manifests()))
		}
		for _, p := range platforms {
			words := append([]string{p.OS, p.Architecture, p.Variant, p.OSVersion}, p.OSFeatures...)
			if len(p.OSFeatures) > maxOSFeatures || strings.ContainsAny(strings.Join(words, ""), "\x00\x1b\r\n <>\"%/") {
				t.Errorf("got platform %q", words)
			}
		}
	})
}

// TestParseIndexAgreesWithContainerd shows the documents for which go-containerregistry's parser gives another result.
func TestParseIndexAgreesWithContainerd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body     string
		ok, v1OK bool
	}{
		"an index":                         {`{"manifests":[]}`, true, true},
		"a digest of an unknown algorithm": {`{"manifests":[{"digest":"md5:00","size":1}]}`, true, false},
		"a digest that is not one":         {`{"manifests":[{"digest":"none","size":-1}]}`, true, false},
		"features that are a string":       {`{"manifests":[{"platform":{"os":"linux","features":"none"}}]}`, true, false},
		"data after the end":               {`{"manifests":[]} {}`, false, true},
		"a manifest by its configuration":  {`{"config":{},"manifests":[]}`, false, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := ParseIndex([]byte(test.body)); (err == nil) != test.ok {
				t.Errorf("ParseIndex returned error %v, want success: %t", err, test.ok)
			}
			if _, err := v1.ParseIndexManifest(bytes.NewReader([]byte(test.body))); (err == nil) != test.v1OK {
				t.Errorf("v1.ParseIndexManifest returned error %v, want success: %t", err, test.v1OK)
			}
		})
	}
}
