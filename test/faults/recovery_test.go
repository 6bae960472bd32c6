package faults

import (
	"testing"
	"time"

	"github.com/pullgate/pullgate/test/clock"
	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
)

// recovery is the case of a registry that works again after a fault.
type recovery struct {
	*admissionCase
	server *registry.Server
	repair func()
	// backedOff is set if Pullgate sends no requests to the registry for a while, and longBackoff if it does so for longer
	// than the first delay.
	backedOff, longBackoff bool
}

// The longest delays of the default configuration.
const (
	firstDelay = 11 * time.Second
	lastDelay  = 330 * time.Second
)

func TestRepairedRegistryIsUsedAfterItsBackoff(t *testing.T) {
	t.Parallel()
	t.Run("after a quick fault", func(t *testing.T) {
		t.Parallel()
		testRecovery(t, limitedTo(longLimit), few, (*testWebhook).openQuick)
	})
	t.Run("after a slow fault or an unreachable host", func(t *testing.T) {
		t.Parallel()
		testRecovery(t, limitedTo(shortLimit), many, (*testWebhook).openSlow)
	})
}

func testRecovery(t *testing.T, c config.Configuration, limit int, open func(*testWebhook, *testing.T) []recovery) {
	t.Helper()
	c.Retry.MaxAttempts = 1 // the second attempt would come without a pause
	fake := clock.NewImpatient()
	w := newTestWebhook(t, c, fake)
	all := open(w, t)
	cases := make([]*admissionCase, 0, len(all))
	for _, r := range all {
		cases = append(cases, r.admissionCase)
	}
	t.Run("during the fault", func(t *testing.T) { w.run(t, cases, limit) })

	for _, r := range all {
		r.repair()
		r.server.ResetRequests()
		r.allowIf(!r.backedOff)
	}
	t.Run("during the backoff", func(t *testing.T) { w.run(t, cases, few) })

	for _, r := range all {
		if requested := len(r.server.Requests()) > 0; requested == r.backedOff {
			t.Errorf("%s: got requests: %t, want %t:\n%s", r.name, requested, !r.backedOff, r.server.RequestSummary())
		}
		r.allowIf(!r.longBackoff)
	}
	fake.Step(firstDelay)
	t.Run("after the first delay", func(t *testing.T) { w.run(t, cases, few) })

	for _, r := range all {
		r.allowIf(true)
	}
	fake.Step(lastDelay)
	t.Run("after the longest delay", func(t *testing.T) { w.run(t, cases, few) })
}

// allowIf changes the expected outcome to allowed if the registry is used again.
func (r recovery) allowIf(used bool) {
	if used {
		r.want = allowed
	}
}

// openQuick starts a registry for each fault that does not delay the response.
func (w *testWebhook) openQuick(t *testing.T) []recovery {
	t.Helper()
	return w.openRepairable(t, quick)
}

// openSlow starts a registry for each fault that delays the response, and for each condition in which a host is unreachable.
func (w *testWebhook) openSlow(t *testing.T) []recovery {
	t.Helper()
	all := w.openRepairable(t, slow)
	for name, condition := range map[string]registry.Condition{
		"connection refused": registry.Refused,
		"packets dropped":    registry.Hanging,
		"name server fails":  registry.ServFail,
	} {
		server, host := w.open(t, single())
		w.network.Set(host, condition)
		all = append(all, recovery{
			admissionCase: &admissionCase{name: name, image: host + "/" + single().name, want: unavailable},
			server:        server, repair: func() { w.network.Set(host, registry.Reachable) }, backedOff: true,
		})
	}
	return all
}

// openRepairable starts a registry for each selected fault at each step where the pod is not simply allowed.
func (w *testWebhook) openRepairable(t *testing.T, selected func(registry.FaultCase) bool) []recovery {
	t.Helper()
	var all []recovery
	for _, f := range registry.FaultCases() {
		for _, s := range steps() {
			want := s.outcome(faultOutcomes()[f.Name])
			if want == allowed || !selected(f) {
				continue
			}
			server, image, repair := w.openFaulty(t, s, f.Fault)
			all = append(all, recovery{
				admissionCase: &admissionCase{name: f.Name + "/" + s.name, image: image, want: want},
				server:        server, repair: repair,
				backedOff: want != forbidden, // a request that Pullgate's own egress rules forbid does not count as a failure
				// The registry sent the time of the next request.
				longBackoff: f.Fault.Header.Get("Retry-After") != "",
			})
		}
	}
	return all
}
