package engine

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Failures of image requests open the circuit for deep checks too, and the registry counts once.
func TestOutageAppliesToDeepChecks(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, Options{})
	digest := e.resolveTag(t.Context(), server, "1").Digest
	server.Fault(registry.Fault{Path: "/v2/*", Status: http.StatusBadGateway})
	for i := range 3 {
		e.resolveTag(t.Context(), server, fmt.Sprint("new", i))
	}
	before := len(server.Requests())
	v := e.contents.Resolve(t.Context(), reference(server, digest), engineAccount)
	if v.Reason != imagepull.ReasonRegistryUnavailable || v.Origin != imagepull.OriginBackoff {
		t.Errorf("%s from %s, want RegistryUnavailable from the backoff", v.Reason, v.Provenance())
	}
	if got := len(server.Requests()) - before; got != 0 {
		t.Errorf("%d requests of the deep check, want none", got)
	}
	if got := e.Gauges().BackedOff(); got != 1 {
		t.Errorf("%d registries are backed off, want 1", got)
	}
}

func TestRateLimitedRegistryCountsOnce(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, Options{})
	digest := e.resolveTag(t.Context(), server, "1").Digest
	server.Fault(registry.Fault{Path: "/v2/*", Status: http.StatusTooManyRequests})
	for _, v := range []imagepull.Verdict{
		e.resolveTag(t.Context(), server, "new"),
		e.contents.Resolve(t.Context(), reference(server, digest), engineAccount),
	} {
		if v.Reason != imagepull.ReasonRateLimited || v.Origin != imagepull.OriginRegistry {
			t.Errorf("%s from %s, want RateLimited from the registry", v.Reason, v.Provenance())
		}
	}
	if got := e.Gauges().BackedOff(); got != 1 {
		t.Errorf("%d registries are backed off, want 1", got)
	}
}
