package registry

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Whatever an index says, a verdict on it holds words only, and not too many.
func FuzzIndex(f *testing.F) {
	for _, seed := range []string{
		`{"manifests":[{"platform":{"os":"linux","architecture":"arm","variant":"v7"}},{}]}`,
		`{"manifests":[{"platform":{"os":"windows","os.version":"10.0","os.features":["win32k","\n"]}}]}`,
		`{"mediaType":"application/vnd.oci.image.manifest.v1+json"}`, `{"config":null}`, `[]`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v := rulesOf("").withPlatforms(imagepull.Verdict{Reason: imagepull.ReasonPullable}, body)
		if v.IsIndex != (v.Reason == imagepull.ReasonPullable) || v.IsIndex && !json.Valid(body) {
			t.Fatalf("got %+v", v)
		}
		if len(v.Platforms) > maxEntries {
			t.Errorf("got %d platforms", len(v.Platforms))
		}
		for _, p := range v.Platforms {
			words := append([]string{p.OS, p.Architecture, p.Variant, p.OSVersion}, p.OSFeatures...)
			if len(p.OSFeatures) > maxOSFeatures || strings.ContainsAny(strings.Join(words, ""), "\x00\x1b\r\n <>\"%/") {
				t.Errorf("got platform %q", words)
			}
		}
	})
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := Options{
		RequestTimeout: 2500 * time.Millisecond,
		ConnectTimeout: time.Second,
		ManifestBytes:  4393216,
		UserAgent:      "pullgate",
		Clock:          clock.RealClock{},
	}
	ignored := cmpopts.IgnoreFields(Options{}, "RootCAs", "DialContext", "Instrument")
	if diff := cmp.Diff(want, Options{}.withDefaults(), ignored); diff != "" {
		t.Errorf("defaults differ (-want +got):\n%s", diff)
	}
	set := Options{RequestTimeout: 1, ConnectTimeout: 2, ManifestBytes: 3, UserAgent: "x", Clock: clock.RealClock{}}
	if diff := cmp.Diff(set, set.withDefaults(), ignored); diff != "" {
		t.Errorf("what is set is changed (-want +got):\n%s", diff)
	}
}
