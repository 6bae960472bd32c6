package resolve

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// fact is the truth about one lookup from a moment on.
type fact struct {
	reason imagepull.Reason
	since  time.Time
}

// lookup is a reference and the part of a credential that a registry receives.
type lookup struct {
	ref            imagepull.Reference
	user, password string
}

// sent is a request that the registry received.
type sent struct {
	lookup lookup
	at     time.Time
	reason imagepull.Reason
	// confirms reports that the request is the second one of a Confirm.
	confirms bool
}

// modelRegistry is a registry with the history of all its facts. This is the plain model: a verdict must have been a fact of
// its lookup at a moment within its TTL.
type modelRegistry struct {
	t     *testing.T
	clock *steppingClock
	rand  *rand.Rand

	exists   map[imagepull.Reference]bool
	accounts map[string]string // passwords by user
	allowed  map[string]bool   // by user
	down     bool
	limited  bool

	facts    map[lookup][]fact
	requests []sent
}

func newModelRegistry(t *testing.T, seed uint64) *modelRegistry {
	m := &modelRegistry{
		t: t, clock: &steppingClock{FakeClock: newFakeClock()}, rand: rand.New(rand.NewPCG(seed, 0)),
		exists:   map[imagepull.Reference]bool{tag("1"): true, digest("1"): true, otherTag("1"): true},
		accounts: map[string]string{"alice": "a", "bob": "b"},
		allowed:  map[string]bool{"": true, "alice": true},
		facts:    map[lookup][]fact{},
	}
	m.record()
	return m
}

func modelRefs() []imagepull.Reference {
	return []imagepull.Reference{tag("1"), tag("2"), digest("1"), digest("2"), otherTag("1")}
}

func modelPasswords() []string { return []string{"a", "b"} }

// truth returns the registry's present verdict. The other registry is never down.
func (m *modelRegistry) truth(l lookup) imagepull.Reason {
	first := l.ref.Domain == tag("1").Domain
	switch {
	case first && m.down:
		return imagepull.ReasonRegistryUnavailable
	case first && m.limited:
		return imagepull.ReasonRateLimited
	case l.user != "" && m.accounts[l.user] != l.password, !m.allowed[l.user]:
		return imagepull.ReasonAccessDenied
	case !m.exists[l.ref]:
		return imagepull.ReasonNotFound
	}
	return imagepull.ReasonPullable
}

// lookups returns all lookups of the model.
func (m *modelRegistry) lookups() []lookup {
	var all []lookup
	for _, ref := range modelRefs() {
		all = append(all, lookup{ref: ref})
		for _, user := range []string{"alice", "bob"} {
			for _, password := range modelPasswords() {
				all = append(all, lookup{ref, user, password})
			}
		}
	}
	return all
}

// record adds changed facts to the history.
func (m *modelRegistry) record() {
	for _, l := range m.lookups() {
		reason, history := m.truth(l), m.facts[l]
		if len(history) == 0 || history[len(history)-1].reason != reason {
			m.facts[l] = append(history, fact{reason, m.clock.Now()})
		}
	}
}

// Resolve implements Registry.
func (m *modelRegistry) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	l := lookup{ref, cred.Username, cred.Password}
	v := imagepull.Verdict{Reason: m.truth(l)}
	switch v.Reason {
	case imagepull.ReasonAccessDenied:
		v = cred.Refused()
		v.LoginFailed = l.user != "" && m.accounts[l.user] != l.password
	case imagepull.ReasonRegistryUnavailable:
		v.Transient = true
	default:
	}
	v.Origin, v.Credential = imagepull.OriginRegistry, cred.Source
	m.requests = append(m.requests, sent{l, m.clock.Now(), v.Reason, ctx.Value(markKey{}) != nil})
	return v
}

// confirm returns the confirmed verdict. Sometimes the registry changes before the second request.
func (m *modelRegistry) confirm(ctx context.Context, r *Resolver, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	if m.rand.IntN(3) == 0 {
		m.change()
	}
	return r.Confirm(ctx, ref, cred)
}

// change makes one random change: a push or deletion, a password or permission, the start or end of an outage.
func (m *modelRegistry) change() {
	switch m.rand.IntN(5) {
	case 0, 1:
		ref := modelRefs()[m.rand.IntN(len(modelRefs()))]
		m.exists[ref] = !m.exists[ref]
	case 2:
		user := []string{"alice", "bob"}[m.rand.IntN(2)]
		m.accounts[user] = modelPasswords()[m.rand.IntN(2)]
	case 3:
		user := []string{"", "alice", "bob"}[m.rand.IntN(3)]
		m.allowed[user] = !m.allowed[user]
	case 4:
		m.down, m.limited = m.rand.IntN(3) == 0, m.rand.IntN(6) == 0
	}
	m.record()
}

// jump advances the clock by a random time, between a millisecond and ten minutes.
func (m *modelRegistry) jump() {
	scale := []time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute}
	m.clock.Step(scale[m.rand.IntN(len(scale))] * time.Duration(1+m.rand.IntN(10)))
}

// was reports whether a reason was a fact of a lookup at any moment of a period.
func (m *modelRegistry) was(l lookup, reason imagepull.Reason, from, to time.Time) bool {
	history := m.facts[l]
	for i, f := range history {
		ended := i+1 < len(history) && history[i+1].since.Before(from)
		if f.reason == reason && !ended && !f.since.After(to) {
			return true
		}
	}
	return false
}
