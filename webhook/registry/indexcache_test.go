package registry_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// newLibrary is a world with two indexes, of which the client has read the first.
func newLibrary(t *testing.T, platforms int) *world {
	t.Helper()
	w := newWorld(t, bearer())
	var all []imagepull.Platform
	for range platforms {
		all = append(all, imagepull.Platform{OS: "linux", Architecture: "arm64"})
	}
	for _, tag := range []string{"shop/multi:1", "shop/multi:2"} {
		if _, err := w.PushIndex(tag, all...); err != nil {
			t.Fatalf("pushing: %v", err)
		}
	}
	wantVerdict(t, w.ask(host+"/shop/multi:1", alice()), "Pullable")
	w.ResetRequests()
	return w
}

// TestIndexIsReadOnce: what it lists is known by its digest from then on.
func TestIndexIsReadOnce(t *testing.T) {
	t.Parallel()
	w := newLibrary(t, 2)
	v := w.ask(host+"/shop/multi:1", alice())
	want := []imagepull.Platform{{OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "arm64"}}
	if diff := cmp.Diff(want, v.Platforms); diff != "" || !v.IsIndex || len(v.Digests) != 2 || v.Reason != imagepull.ReasonPullable {
		t.Errorf("got %s, index: %v, %d digests; platforms (-want +got):\n%s", v.Reason, v.IsIndex, len(v.Digests), diff)
	}
	wantWire(t, w.Server, "HEAD shop/multi:1 token=alice 200")
}

// TestKnownIndexGivesNoAccess to those whom the registry refuses.
func TestKnownIndexGivesNoAccess(t *testing.T) {
	t.Parallel()
	w := newLibrary(t, 2)
	v := w.ask(host+"/shop/multi:1", mallory())
	wantVerdict(t, v, stale)
	if v.IsIndex || v.Platforms != nil || v.Digest != "" {
		t.Errorf("the verdict tells of the index: %v", v)
	}
}

// TestKnownIndexIsMissed when its tag is gone, or another index is behind it.
func TestKnownIndexIsMissed(t *testing.T) {
	t.Parallel()
	w := newLibrary(t, 2)
	w.Fault(testregistry.Fault{Path: "/v2/shop/multi/manifests/1", Status: http.StatusNotFound})
	wantVerdict(t, w.ask(host+"/shop/multi:1", alice()), "NotFound: tag not found")
	if _, err := w.PushIndex("shop/multi:2", imagepull.Platform{OS: "linux", Architecture: "amd64"}); err != nil {
		t.Fatal(err)
	}
	if v := w.ask(host+"/shop/multi:2", alice()); len(v.Platforms) != 1 || v.Platforms[0].Architecture != "amd64" {
		t.Errorf("platforms = %v, want those of the new index", v.Platforms)
	}
}

// TestLongIndexIsNotKept: whoever pushes it does not get to fill the memory.
func TestLongIndexIsNotKept(t *testing.T) {
	t.Parallel()
	w := newLibrary(t, 65)
	wantVerdict(t, w.ask(host+"/shop/multi:1", alice()), "Pullable")
	if got := strings.Join(wire(w.Server), "\n"); !strings.Contains(got, "GET shop/multi") {
		t.Errorf("requests:\n%s\nwant the index to be read again", got)
	}
}
