package registry_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// The content of an index is cached by its digest.
func TestIndexIsReadOnce(t *testing.T) {
	t.Parallel()
	w := newIndexes(t, 2)
	v := w.resolve(host+"/shop/multi:1", alice())
	want := []imagepull.Platform{{OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "arm64"}}
	if diff := cmp.Diff(want, v.Platforms); diff != "" || !v.IsIndex || len(v.Manifests) != 2 || v.Reason != imagepull.ReasonPullable {
		t.Errorf("got %s, index: %v, %d manifests; platforms (-want +got):\n%s", v.Reason, v.IsIndex, len(v.Manifests), diff)
	}
	wantWire(t, w.Server, "HEAD shop/multi:1 token=alice 200")
}

// A cached index is not used if the registry refuses the credential.
func TestCachedIndexGrantsNoAccess(t *testing.T) {
	t.Parallel()
	w := newIndexes(t, 2)
	v := w.resolve(host+"/shop/multi:1", mallory())
	wantVerdict(t, v, stale)
	if v.IsIndex || v.Platforms != nil || v.Digest != "" {
		t.Errorf("the verdict holds the content of the index: %v", v)
	}
}

// A cached index is not used if its tag is gone or refers to another index.
func TestCachedIndexFollowsTheTag(t *testing.T) {
	t.Parallel()
	w := newIndexes(t, 2)
	w.Fault(testregistry.Fault{Path: "/v2/shop/multi/manifests/1", Status: http.StatusNotFound})
	wantVerdict(t, w.resolve(host+"/shop/multi:1", alice()), "NotFound: tag not found")
	if _, err := w.PushIndex("shop/multi:2", imagepull.Platform{OS: "linux", Architecture: "amd64"}); err != nil {
		t.Fatal(err)
	}
	if v := w.resolve(host+"/shop/multi:2", alice()); len(v.Platforms) != 1 || v.Platforms[0].Architecture != "amd64" {
		t.Errorf("platforms = %v, want the ones in the new index", v.Platforms)
	}
}

// The author of a long index must not be able to fill the cache.
func TestLongIndexIsNotCached(t *testing.T) {
	t.Parallel()
	w := newIndexes(t, 65)
	wantVerdict(t, w.resolve(host+"/shop/multi:1", alice()), "Pullable")
	if got := strings.Join(wire(w.Server), "\n"); !strings.Contains(got, "GET shop/multi") {
		t.Errorf("requests:\n%s\nwant the index to be read again", got)
	}
}

// With several hosts the index may come from another host than its tag, and each host may fail.
func TestIndexOfSeveralHostsIsNotCached(t *testing.T) {
	t.Parallel()
	m := newMirrored(t, replicaHosts+"capabilities = [\"pull\"]\n", testregistry.Config{})
	if _, err := m.PushIndex("shop/multi:1", imagepull.Platform{OS: "linux", Architecture: "amd64"}); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, m.resolve(host+"/shop/multi:1", anonymous()), "Pullable")
	m.Fault(testregistry.Fault{Method: http.MethodGet, Status: http.StatusNotFound})
	wantVerdict(t, m.resolve(host+"/shop/multi:1", anonymous()), "NotFound: the registry lists the tag but has lost its manifest")
}
