package main

import (
	"net/http"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
)

// place is where on the way to an image a registry misbehaves.
type place struct {
	name  string
	image pushed
	// fault chooses the requests.
	fault registry.Fault
	fate  func(fates) string
}

func places() []place {
	return []place{
		{"everywhere", single(), registry.Fault{}, func(f fates) string { return f.everywhere }},
		{"tokens", single(), registry.Fault{Path: "/token"}, func(f fates) string { return f.tokens }},
		{
			"manifests", single(), registry.Fault{Path: "/v2/shop/*", AfterAuth: true},
			func(f fates) string { return f.manifests },
		},
		{
			"the index", multi(), registry.Fault{Path: "/v2/shop/*", Method: http.MethodGet, AfterAuth: true},
			func(f fates) string { return f.index },
		},
	}
}

// misbehaving opens a registry that misbehaves, and returns the image to ask for and what makes the registry behave again.
func (s *stand) misbehaving(t *testing.T, p place, f registry.Fault) (server *registry.Server, image string, mend func()) {
	t.Helper()
	server, host := s.open(t, p.image)
	f.Path, f.Method, f.AfterAuth = p.fault.Path, p.fault.Method, p.fault.AfterAuth
	return server, host + "/" + p.image.name, server.Fault(f)
}

// row is one question, what is to come of it, and what did.
type row struct {
	name, image, want string
	got               string
	err               error
}

// hold asks all rows, so many at the same time, and holds the answers against what is wanted.
func (s *stand) hold(t *testing.T, rows []*row, atOnce int) {
	t.Helper()
	var asking sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for _, r := range rows {
		turns <- struct{}{}
		asking.Go(func() {
			defer func() { <-turns }()
			r.got, r.err = s.ask(t.Context(), r.image)
		})
	}
	asking.Wait()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if r.err != nil {
				t.Fatalf("the API server has no answer: %v", r.err)
			}
			if r.got != r.want {
				t.Errorf("got %q, want %q", r.got, r.want)
			}
		})
	}
}

const (
	// few at the same time leave each of them its share of a small machine.
	few = 4
	// many may wait at the same time.
	many = 100

	// patience is long enough for whoever answers, and haste too short for whoever does not.
	patience = 4 * time.Second
	haste    = time.Second
	// timeout is what the API server waits for, in whole seconds.
	timeout = 10 * time.Second
)

// within is the default configuration, with other limits to what a registry may take.
func within(limit time.Duration) config.Configuration {
	c := config.Default()
	c.Timeouts.Request, c.Timeouts.Connect = metav1.Duration{Duration: limit}, metav1.Duration{Duration: limit}
	return c
}

// slow reports whether a misdeed is to take time.
func slow(m registry.FaultCase) bool { return m.Fault.Hang || m.Fault.Delay > 0 }

func quick(m registry.FaultCase) bool { return !slow(m) }

// misdeeds opens a registry for each of those misdeeds in each place.
func (s *stand) misdeeds(t *testing.T, chosen func(registry.FaultCase) bool) []*row {
	t.Helper()
	var rows []*row
	for _, m := range registry.FaultCases() {
		if !chosen(m) {
			continue
		}
		for _, p := range places() {
			_, image, _ := s.misbehaving(t, p, m.Fault)
			rows = append(rows, &row{name: m.Name + "/" + p.name, image: image, want: p.fate(misdeedFates()[m.Name])})
		}
	}
	return rows
}

// TestFaults: whatever a registry does, the API server has an answer before it gives up, and the right one.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := newStand(t, within(patience), clock.RealClock{})
	s.hold(t, s.misdeeds(t, quick), few)
}

// TestFaultsThatTakeTime: the same of registries that do nothing for a while, and of hosts that are none.
func TestFaultsThatTakeTime(t *testing.T) {
	t.Parallel()
	s := newStand(t, within(haste), clock.RealClock{})
	rows := append(s.misdeeds(t, slow), &row{name: "no such host", image: s.host() + "/shop/web:1", want: unavailable})
	for _, m := range registry.BrokenHosts() {
		addr, stop, err := m.Start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		host := s.host()
		s.network.Lead(host, addr)
		rows = append(rows, &row{name: m.Name, image: host + "/shop/web:1", want: misfitFates()[m.Name]})
	}
	s.hold(t, rows, many)
}

// TestFaultsBeyondTheBudget: a registry may take longer than an admission has, and that is then what is said.
func TestFaultsBeyondTheBudget(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Timeouts.Admission.Duration = haste
	s := newStand(t, c, clock.RealClock{})
	rows := s.misdeeds(t, func(m registry.FaultCase) bool { return m.Fault.Hang || m.Fault.Delay > haste })
	if len(rows) == 0 {
		t.Fatal("no registry takes its time")
	}
	for _, r := range rows {
		r.want = tooLate
	}
	s.hold(t, rows, many)
}
