package main

import (
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
)

// recovery is a registry on its way back.
type recovery struct {
	*row
	server *registry.Server
	mend   func()
	// unasked says that the registry is left alone for a while, and longer that it is so for more than the first rest.
	unasked, longer bool
}

// Rests of the default configuration, at their longest.
const (
	firstRest = 11 * time.Second
	lastRest  = 330 * time.Second
)

// TestRecovery: a registry that fails is left alone, and one that comes back is used at once when its time has come.
func TestRecovery(t *testing.T) {
	t.Parallel()
	t.Run("from what is quick", func(t *testing.T) {
		t.Parallel()
		recoverFrom(t, within(patience), few, (*stand).misdeedsForNow)
	})
	t.Run("from what takes time", func(t *testing.T) {
		t.Parallel()
		recoverFrom(t, within(haste), many, (*stand).absencesForNow)
	})
}

func recoverFrom(t *testing.T, c config.Configuration, atOnce int, begin func(*stand, *testing.T) []recovery) {
	t.Helper()
	c.Retry.MaxAttempts = 1 // nobody moves the clock within a question
	wall := clocktesting.NewFakeClock(time.Now())
	s := newStand(t, c, wall)
	all := begin(s, t)
	rows := make([]*row, 0, len(all))
	for _, r := range all {
		rows = append(rows, r.row)
	}
	t.Run("failing", func(t *testing.T) { s.hold(t, rows, atOnce) })

	for _, r := range all {
		r.mend()
		r.server.ResetRequests()
		r.allowIf(!r.unasked)
	}
	t.Run("left alone", func(t *testing.T) { s.hold(t, rows, few) })

	for _, r := range all {
		if asked := len(r.server.Requests()) > 0; asked == r.unasked {
			t.Errorf("%s: asked = %v, want %v:\n%s", r.name, asked, !r.unasked, r.server.RequestSummary())
		}
		r.allowIf(!r.longer)
	}
	wall.Step(firstRest)
	t.Run("back", func(t *testing.T) { s.hold(t, rows, few) })

	for _, r := range all {
		r.allowIf(true)
	}
	wall.Step(lastRest)
	t.Run("back after all", func(t *testing.T) { s.hold(t, rows, few) })
}

// allowIf has the pod admitted from now on.
func (r recovery) allowIf(back bool) {
	if back {
		r.want = allowed
	}
}

// misdeedsForNow opens a registry for each misdeed that takes no time.
func (s *stand) misdeedsForNow(t *testing.T) []recovery {
	t.Helper()
	return s.forNow(t, quick)
}

// absencesForNow opens registries that give no answer, and some that nobody reaches, for one cause or the other.
func (s *stand) absencesForNow(t *testing.T) []recovery {
	t.Helper()
	all := s.forNow(t, slow)
	for name, condition := range map[string]registry.Condition{
		"refusing connections":    registry.Refused,
		"swallowing packets":      registry.Hanging,
		"out of the name service": registry.ServFail,
	} {
		server, host := s.open(t, single())
		s.network.Set(host, condition)
		all = append(all, recovery{
			row:    &row{name: name, image: host + "/" + single().name, want: unavailable},
			server: server, mend: func() { s.network.Set(host, registry.Reachable) }, unasked: true,
		})
	}
	return all
}

// forNow opens a registry for each of those misdeeds and each place where that keeps a pod from being admitted in silence.
func (s *stand) forNow(t *testing.T, chosen func(registry.FaultCase) bool) []recovery {
	t.Helper()
	var all []recovery
	for _, m := range registry.FaultCases() {
		for _, p := range places() {
			want := p.fate(misdeedFates()[m.Name])
			if want == allowed || !chosen(m) {
				continue
			}
			server, image, mend := s.misbehaving(t, p, m.Fault)
			all = append(all, recovery{
				row:    &row{name: m.Name + "/" + p.name, image: image, want: want},
				server: server, mend: mend,
				unasked: want != notFollowed, // what Pullgate itself forbids costs the registry nothing
				// The registry said when to come back; or an account may get locked.
				longer: m.Fault.Header.Get("Retry-After") != "" || m.Name == "Unauthorized" && p.name == "tokens",
			})
		}
	}
	return all
}
