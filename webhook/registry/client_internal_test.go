package registry

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/clock"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := Options{
		RequestTimeout: 2500 * time.Millisecond,
		ConnectTimeout: time.Second,
		ManifestBytes:  4393216,
		Clock:          clock.RealClock{},
	}
	ignored := cmpopts.IgnoreFields(Options{}, "RootCAs", "DialContext", "Instrument", "Keyer", "UserAgent")
	if got := (Options{}).withDefaults().UserAgent(); got != "pullgate" {
		t.Errorf("got User-Agent %q, want pullgate", got)
	}
	if diff := cmp.Diff(want, Options{}.withDefaults(), ignored); diff != "" {
		t.Errorf("defaults differ (-want +got):\n%s", diff)
	}
	set := Options{RequestTimeout: 1, ConnectTimeout: 2, ManifestBytes: 3, Clock: clock.RealClock{}}
	if diff := cmp.Diff(set, set.withDefaults(), ignored); diff != "" {
		t.Errorf("set options are changed (-want +got):\n%s", diff)
	}
}
