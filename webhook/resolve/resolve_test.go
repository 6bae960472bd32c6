package resolve

import (
	"testing"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TestResolveReadsTheCacheTwice lets another check of the same key end between the first lookup and the single flight.
func TestResolveReadsTheCacheTwice(t *testing.T) {
	t.Parallel()
	registry := &fakeRegistry{verdict: pullable}
	var r *Resolver
	misses := 0
	o := cacheOnly(clock.RealClock{})
	o.ObserveCache = func(bool) {
		if misses++; misses == 1 {
			r.Resolve(t.Context(), tag("1"), alice)
		}
	}
	r = newResolver(t, registry, o)
	v := r.Resolve(t.Context(), tag("1"), aliceElsewhere)
	if v.Origin != imagepull.OriginCache || v.Credential != aliceElsewhere.Source || registry.requests != 1 {
		t.Errorf("got a verdict from %s for %q after %d requests, want a cached one after 1", v.Origin, v.Credential, registry.requests)
	}
}

func TestNewRejectsACacheWithoutEntries(t *testing.T) {
	t.Parallel()
	o := cacheOnly(newFakeClock())
	o.MaxEntries = 0
	if r, err := New(&fakeRegistry{}, o); err == nil || r != nil {
		t.Errorf("New() = %v, %v, want an error", r, err)
	}
}
