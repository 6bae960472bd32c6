package main

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TestEngineLeavesAFailingRegistryAlone, whatever is asked for.
func TestEngineLeavesAFailingRegistryAlone(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, nil)
	server.Fault(registry.Fault{Path: "/v2/*", Status: http.StatusBadGateway})
	origins := map[imagepull.Origin]int{}
	for i := range 200 {
		v := e.ask(t.Context(), server, fmt.Sprint(i%20))
		if v.Outcome() != imagepull.Indeterminate {
			t.Errorf("reason = %s, want doubt", v.Reason)
		}
		origins[v.Origin]++
	}
	// Three references: two are asked for twice, and the third attempt of a different one is the last.
	if got := len(server.Requests()); got != 5 {
		t.Errorf("%d requests, want 5", got)
	}
	if diff := cmp.Diff(map[imagepull.Origin]int{imagepull.OriginRegistry: 3, imagepull.OriginBackoff: 197}, origins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if got := e.gauges().BackedOff(); got != 1 {
		t.Errorf("%d registries are left alone, want 1", got)
	}
}

// TestEngineMeetsAnOutage with eight questions under way: each makes its attempt, and no more than the first two to fail
// make another one.
func TestEngineMeetsAnOutage(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, nil)
	const atOnce = 8
	var asked atomic.Int64
	allAsked := make(chan struct{})
	server.Fault(registry.Fault{Status: http.StatusServiceUnavailable, Match: func(*http.Request) bool {
		if asked.Add(1) == atOnce {
			close(allAsked)
		}
		<-allAsked
		return true
	}})
	var all sync.WaitGroup
	for i := range atOnce {
		all.Go(func() {
			if v := e.ask(t.Context(), server, fmt.Sprint(i)); v.Outcome() != imagepull.Indeterminate {
				t.Errorf("reason = %s, want doubt", v.Reason)
			}
		})
	}
	all.Wait()
	if got := len(server.Requests()); got < atOnce || got > atOnce+2 {
		t.Errorf("%d requests, want %d and two more at most", got, atOnce)
	}
}

// TestEngineKnowsOfAnOutageEverywhere: what is learnt in asking for images holds for their contents too, and the registry
// counts once.
func TestEngineKnowsOfAnOutageEverywhere(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, nil)
	digest := e.ask(t.Context(), server, "1").Digest
	server.Fault(registry.Fault{Path: "/v2/*", Status: http.StatusBadGateway})
	for i := range 3 {
		e.ask(t.Context(), server, fmt.Sprint("new", i))
	}
	before := len(server.Requests())
	v := e.contents.Resolve(t.Context(), reference(server, digest), engineAccount)
	if v.Reason != imagepull.ReasonRegistryUnavailable || v.Origin != imagepull.OriginBackoff {
		t.Errorf("%s from %s, want RegistryUnavailable from the backoff", v.Reason, v.Provenance())
	}
	if got := len(server.Requests()) - before; got != 0 {
		t.Errorf("%d requests for the contents, want none", got)
	}
	if got := e.gauges().BackedOff(); got != 1 {
		t.Errorf("%d registries are left alone, want 1", got)
	}
}

// TestEngineCountsALimitedRegistryOnce, whether images or contents are asked for.
func TestEngineCountsALimitedRegistryOnce(t *testing.T) {
	t.Parallel()
	e, server := startEngine(t, nil)
	digest := e.ask(t.Context(), server, "1").Digest
	server.Fault(registry.Fault{Path: "/v2/*", Status: http.StatusTooManyRequests})
	for _, v := range []imagepull.Verdict{
		e.ask(t.Context(), server, "new"),
		e.contents.Resolve(t.Context(), reference(server, digest), engineAccount),
	} {
		if v.Reason != imagepull.ReasonRateLimited || v.Origin != imagepull.OriginRegistry {
			t.Errorf("%s from %s, want RateLimited from the registry", v.Reason, v.Provenance())
		}
	}
	if got := e.gauges().BackedOff(); got != 1 {
		t.Errorf("%d registries are left alone, want 1", got)
	}
}
