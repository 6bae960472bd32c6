package faults

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
)

// step is a step of a pull at which a registry has a fault.
type step struct {
	name  string
	image testImage
	// fault selects the requests of the step.
	fault   registry.Fault
	outcome func(outcomes) string
}

func steps() []step {
	return []step{
		{"everywhere", single(), registry.Fault{}, func(o outcomes) string { return o.everywhere }},
		{"tokens", single(), registry.Fault{Path: "/token"}, func(o outcomes) string { return o.tokens }},
		{
			"manifests", single(), registry.Fault{Path: "/v2/shop/*", AfterAuth: true},
			func(o outcomes) string { return o.manifests },
		},
		{
			"the index", multi(), registry.Fault{Path: "/v2/shop/*", Method: http.MethodGet, AfterAuth: true},
			func(o outcomes) string { return o.index },
		},
	}
}

// admissionCase is one admission request, with its expected outcome and the outcome that it got.
type admissionCase struct {
	name, image, want string
	got               string
	err               error
}

// run sends the request of each case, at most limit at the same time, and compares the outcomes.
func (w *testWebhook) run(t *testing.T, cases []*admissionCase, limit int) {
	t.Helper()
	var requests sync.WaitGroup
	slots := make(chan struct{}, limit)
	for _, c := range cases {
		slots <- struct{}{}
		requests.Go(func() {
			defer func() { <-slots }()
			c.got, c.err = w.review(t.Context(), c.image)
		})
	}
	requests.Wait()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.err != nil {
				t.Fatalf("the API server got no response: %v", c.err)
			}
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
}

const (
	// few is a number of parallel requests that a small machine can handle in time.
	few = 4
	// many is the number of parallel requests that only wait.
	many = 100

	// longLimit is long enough for every registry that responds, and shortLimit ends the wait for one that does not.
	longLimit  = 4 * time.Second
	shortLimit = time.Second
	// timeout is the API server's timeout, in whole seconds.
	timeout = 10 * time.Second
)

// limitedTo returns the default configuration with this limit for each request to a registry.
func limitedTo(limit time.Duration) config.Configuration {
	c := config.Default()
	c.Timeouts.Request, c.Timeouts.Connect = limit, limit
	return c
}

// slow reports whether a fault delays the response.
func slow(f registry.FaultCase) bool { return f.Fault.Hang || f.Fault.Delay > 0 }

func quick(f registry.FaultCase) bool { return !slow(f) }

// openFaulty starts a registry that has the fault at one step. It returns the image to check, and a function that removes the
// fault.
func (w *testWebhook) openFaulty(t *testing.T, s step, f registry.Fault) (server *registry.Server, image string, repair func()) {
	t.Helper()
	server, host := w.open(t, s.image)
	f.Path, f.Method, f.AfterAuth = s.fault.Path, s.fault.Method, s.fault.AfterAuth
	return server, host + "/" + s.image.name, server.Fault(f)
}

// openAll starts a registry for each selected fault at each step, and returns their cases.
func (w *testWebhook) openAll(t *testing.T, selected func(registry.FaultCase) bool) []*admissionCase {
	t.Helper()
	var cases []*admissionCase
	for _, f := range registry.FaultCases() {
		if !selected(f) {
			continue
		}
		for _, s := range steps() {
			_, image, _ := w.openFaulty(t, s, f.Fault)
			cases = append(cases, &admissionCase{name: f.Name + "/" + s.name, image: image, want: s.outcome(faultOutcomes()[f.Name])})
		}
	}
	return cases
}

func TestEveryQuickFaultGetsItsOutcomeInTime(t *testing.T) {
	t.Parallel()
	w := newTestWebhook(t, limitedTo(longLimit), clock.RealClock{})
	w.run(t, w.openAll(t, quick), few)
}

func TestEverySlowFaultAndBrokenHostGetsItsOutcomeInTime(t *testing.T) {
	t.Parallel()
	w := newTestWebhook(t, limitedTo(shortLimit), clock.RealClock{})
	cases := append(w.openAll(t, slow), &admissionCase{name: "no such host", image: w.host() + "/shop/web:1", want: unavailable})
	for _, h := range registry.BrokenHosts() {
		addr, stop, err := h.Start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		host := w.host()
		w.network.AddAddress(host, addr)
		cases = append(cases, &admissionCase{name: h.Name, image: host + "/shop/web:1", want: brokenHostOutcomes()[h.Name]})
	}
	w.run(t, cases, many)
}

func TestFaultsSlowerThanTheBudgetAreDeadlineExceeded(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Timeouts.Admission = shortLimit
	w := newTestWebhook(t, c, clock.RealClock{})
	cases := w.openAll(t, func(f registry.FaultCase) bool { return f.Fault.Hang || f.Fault.Delay > shortLimit })
	if len(cases) == 0 {
		t.Fatal("no fault is slower than the budget")
	}
	for _, c := range cases {
		c.want = tooLate
	}
	w.run(t, cases, many)
}
