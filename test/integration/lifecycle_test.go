package integration

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/pullgate/pullgate/test/registry"
)

// testShutdown ends a process while it waits for a registry: the question that it was asked is answered first.
func testShutdown(t *testing.T, e *environment) {
	p, ca := e.startWithCertDir(t, "leaving", "pullgate")
	namespace := e.namespace(t, "enforce")
	const slow = "public/slow"
	e.push(t, slow+":1")
	arrived := make(chan struct{})
	announce := sync.OnceFunc(func() { close(arrived) })
	remove := e.registry.server.Fault(registry.Fault{
		Match: func(r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/v2/"+slow+"/") {
				return false
			}
			announce()
			return true
		},
		Hang: true, Times: 1,
	})
	defer remove()

	webhook, question := newEndpoint(t, p, ca.Pool()), podRequest(t, namespace, e.registry.host+"/"+slow+":1")
	var got *admissionv1.AdmissionResponse
	var err error
	var asked sync.WaitGroup
	asked.Go(func() { got, err = webhook.ask(t.Context(), question) })
	<-arrived
	p.terminate(t)
	asked.Wait()
	if err != nil || !got.Allowed || got.Warnings != nil {
		t.Errorf("got %v, %v; want it admitted in silence", got, err)
	}
	p.awaitExit(t)
}

// testGoroutines wants a process to have no more goroutines after many questions than after a few, be they answered or
// given up.
func testGoroutines(t *testing.T, e *environment) {
	p, ca := e.startWithCertDir(t, "busy", "pullgate")
	webhook := newEndpoint(t, p, ca.Pool())
	namespace := e.namespace(t, "enforce")
	impatient := webhook
	impatient.url += "?timeout=1s"
	ask := func(rounds int) {
		var asked sync.WaitGroup
		for image, webhook := range map[string]endpoint{imagePublic: webhook, imageGone: webhook, hanging(hangingLong): impatient} {
			question := podRequest(t, namespace, e.registry.expand(image))
			for range rounds {
				asked.Go(func() {
					if _, err := webhook.ask(t.Context(), question); err != nil {
						t.Errorf("asking the webhook: %v", err)
					}
				})
			}
		}
		asked.Wait()
	}
	goroutines := func() float64 { return p.metrics(t).sum("go_goroutines") }

	ask(5)
	before := goroutines()
	ask(50)
	// The slack covers what the runtime and idle connections are free to do; a leak would be of fifty at least.
	const slack = 10
	eventually(t, "the goroutines to end", func(context.Context) bool { return goroutines() <= before+slack })
}
