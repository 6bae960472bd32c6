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

// testShutdown terminates a process while it waits for a registry. The process finishes the review first.
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

	webhook, review := newEndpoint(t, p, ca.Pool()), podRequest(t, namespace, e.registry.host+"/"+slow+":1")
	var got *admissionv1.AdmissionResponse
	var err error
	var sent sync.WaitGroup
	sent.Go(func() { got, err = webhook.send(t.Context(), review) })
	<-arrived
	p.terminate(t)
	sent.Wait()
	if err != nil || !got.Allowed || got.Warnings != nil {
		t.Errorf("got %v, %v; want it admitted without warnings", got, err)
	}
	p.awaitExit(t)
}

// testGoroutines checks that the number of goroutines does not grow with the number of reviews, finished or abandoned.
func testGoroutines(t *testing.T, e *environment) {
	p, ca := e.startWithCertDir(t, "busy", "pullgate")
	webhook := newEndpoint(t, p, ca.Pool())
	namespace := e.namespace(t, "enforce")
	shortTimeout := webhook
	shortTimeout.url += "?timeout=1s"
	send := func(rounds int) {
		var sent sync.WaitGroup
		for image, webhook := range map[string]endpoint{imagePublic: webhook, imageGone: webhook, hanging(hangingLong): shortTimeout} {
			review := podRequest(t, namespace, e.registry.expand(image))
			for range rounds {
				sent.Go(func() {
					if _, err := webhook.send(t.Context(), review); err != nil {
						t.Errorf("calling the webhook: %v", err)
					}
				})
			}
		}
		sent.Wait()
	}
	goroutines := func() float64 { return p.metrics(t).sum("go_goroutines") }

	send(5)
	before := goroutines()
	send(50)
	// The slack is for the Go runtime and idle connections. A leak would be at least fifty goroutines.
	const slack = 10
	eventually(t, "the goroutines to end", func(context.Context) bool { return goroutines() <= before+slack })
}
