package faults

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// outage is an engine with one registry that can be made to fail.
type outage struct {
	engine *engine.Engine
	server *registry.Server
}

func newOutage(t *testing.T) outage {
	t.Helper()
	server, err := registry.Start(registry.Config{
		Auth:     registry.AuthBearer,
		Accounts: []registry.Account{{Username: "alice", Password: "a", Repositories: []string{"shop/*"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if _, err := server.PushImage("shop/web:1"); err != nil {
		t.Fatal(err)
	}
	secret, err := secrets.ParseFile(fmt.Appendf(nil, `{"auths":{%q:{"username":"alice","password":"a"}}}`, server.Addr()), "config.json")
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Egress.Allow = []string{server.Addr()}
	c.Deep = true
	e, err := engine.New(c, engine.Options{Credentials: secrets.Files{secret}, Environ: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return outage{e, server}
}

// check returns the finding on a tag of the image.
func (o outage) check(ctx context.Context, tag string) imagepull.Finding {
	ref := imagepull.Reference{Domain: o.server.Addr(), Path: "shop/web", Tag: tag}
	return o.engine.Check(ctx, imagepull.Pod{Uses: []imagepull.Use{{Reference: ref}}}, nil)[0]
}

func TestFailingRegistryGetsFewRequests(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	o.server.Fault(registry.Fault{Path: "/v2/*", Status: http.StatusBadGateway})
	origins := map[imagepull.Origin]int{}
	for i := range 200 {
		f := o.check(t.Context(), fmt.Sprint(i%20))
		if f.Outcome() != imagepull.Indeterminate {
			t.Errorf("reason = %s, want an Indeterminate one", f.Reason)
		}
		origins[f.Origin]++
	}
	// Three references: two of them get two attempts each. The first attempt of the third one opens the circuit.
	if got := len(o.server.Requests()); got != 5 {
		t.Errorf("%d requests, want 5", got)
	}
	if diff := cmp.Diff(map[imagepull.Origin]int{imagepull.OriginRegistry: 3, imagepull.OriginBackoff: 197}, origins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if got := o.engine.Gauges().BackedOff(); got != 1 {
		t.Errorf("%d registries are backed off, want 1", got)
	}
}

// With seven checks in flight when the registry fails, each makes its attempt. Only the first two to fail make a second one.
func TestOutageDuringChecksCausesFewRetries(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	const inFlight = 7 // limits.perRegistry, less the slot that is left to other namespaces
	var requests atomic.Int64
	all := make(chan struct{})
	o.server.Fault(registry.Fault{Status: http.StatusServiceUnavailable, Match: func(r *http.Request) bool {
		if requests.Add(1) == inFlight {
			close(all)
		}
		select {
		case <-all:
		case <-r.Context().Done(): // a loaded machine may keep a check from its request
		}
		return true
	}})
	var checks sync.WaitGroup
	for i := range inFlight {
		checks.Go(func() {
			if f := o.check(t.Context(), fmt.Sprint(i)); f.Outcome() != imagepull.Indeterminate {
				t.Errorf("reason = %s, want an Indeterminate one", f.Reason)
			}
		})
	}
	checks.Wait()
	if got := len(o.server.Requests()); got < inFlight || got > inFlight+2 {
		t.Errorf("%d requests, want %d to %d", got, inFlight, inFlight+2)
	}
}
