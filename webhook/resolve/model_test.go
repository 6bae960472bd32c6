package resolve_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// fact is what a registry says of one reference to one account from a moment on.
type fact struct {
	reason imagepull.Reason
	since  time.Time
}

// question is a reference and what a registry sees of a credential.
type question struct {
	ref            imagepull.Reference
	user, password string
}

// ask is one time that a registry was asked.
type ask struct {
	question question
	at       time.Time
	reason   imagepull.Reason
}

// world is a registry with the history of all that was ever true of it, which is the plain model: a verdict must be a fact
// of the question itself, and of a moment within its lifetime.
type world struct {
	t     *testing.T
	clock *steppingClock
	rand  *rand.Rand

	exists   map[imagepull.Reference]bool
	accounts map[string]string // passwords by user
	allowed  map[string]bool   // by user
	down     bool
	limited  bool

	facts map[question][]fact
	asks  []ask
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, clock: &steppingClock{FakeClock: clocktesting.NewFakeClock(time.Unix(1e9, 0))}, rand: rand.New(rand.NewPCG(seed, 0)),
		exists:   map[imagepull.Reference]bool{tag("1"): true, digested("1"): true, elsewhere("1"): true},
		accounts: map[string]string{"alice": "a", "bob": "b"},
		allowed:  map[string]bool{"": true, "alice": true},
		facts:    map[question][]fact{},
	}
	w.record()
	return w
}

func worldRefs() []imagepull.Reference {
	return []imagepull.Reference{tag("1"), tag("2"), digested("1"), digested("2"), elsewhere("1")}
}

func worldPasswords() []string { return []string{"a", "b"} }

// truth is what the registry says now. The one elsewhere is never down.
func (w *world) truth(q question) imagepull.Reason {
	here := q.ref.Domain == tag("1").Domain
	switch {
	case here && w.down:
		return imagepull.ReasonRegistryUnavailable
	case here && w.limited:
		return imagepull.ReasonRateLimited
	case q.user != "" && w.accounts[q.user] != q.password, !w.allowed[q.user]:
		return imagepull.ReasonAccessDenied
	case !w.exists[q.ref]:
		return imagepull.ReasonNotFound
	}
	return imagepull.ReasonPullable
}

func (w *world) questions() []question {
	var all []question
	for _, ref := range worldRefs() {
		all = append(all, question{ref: ref})
		for _, user := range []string{"alice", "bob"} {
			for _, password := range worldPasswords() {
				all = append(all, question{ref, user, password})
			}
		}
	}
	return all
}

// record adds to the history what has changed.
func (w *world) record() {
	for _, q := range w.questions() {
		reason, history := w.truth(q), w.facts[q]
		if len(history) == 0 || history[len(history)-1].reason != reason {
			w.facts[q] = append(history, fact{reason, w.clock.Now()})
		}
	}
}

// Resolve implements resolve.Resolver.
func (w *world) Resolve(_ context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	q := question{ref, cred.Username, cred.Password}
	v := imagepull.Verdict{Reason: w.truth(q)}
	switch v.Reason {
	case imagepull.ReasonAccessDenied:
		v = cred.Refused()
		v.LoginFailed = q.user != "" && w.accounts[q.user] != q.password
	case imagepull.ReasonRegistryUnavailable:
		v.Transient = true
	default:
	}
	v.Origin, v.Credential = imagepull.OriginRegistry, cred.Source
	w.asks = append(w.asks, ask{q, w.clock.Now(), v.Reason})
	return v
}

// change does one thing at random: a push or a deletion, a changed password or permission, an outage or its end.
func (w *world) change() {
	switch w.rand.IntN(5) {
	case 0, 1:
		ref := worldRefs()[w.rand.IntN(len(worldRefs()))]
		w.exists[ref] = !w.exists[ref]
	case 2:
		user := []string{"alice", "bob"}[w.rand.IntN(2)]
		w.accounts[user] = worldPasswords()[w.rand.IntN(2)]
	case 3:
		user := []string{"", "alice", "bob"}[w.rand.IntN(3)]
		w.allowed[user] = !w.allowed[user]
	case 4:
		w.down, w.limited = w.rand.IntN(3) == 0, w.rand.IntN(6) == 0
	}
	w.record()
}

// jump lets time pass: most often little, at times a lot.
func (w *world) jump() {
	scale := []time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute}
	w.clock.Step(scale[w.rand.IntN(len(scale))] * time.Duration(1+w.rand.IntN(10)))
}

// was reports whether a reason was true of a question at any moment in a span of time.
func (w *world) was(q question, reason imagepull.Reason, from, to time.Time) bool {
	history := w.facts[q]
	for i, f := range history {
		ended := i+1 < len(history) && history[i+1].since.Before(from)
		if f.reason == reason && !ended && !f.since.After(to) {
			return true
		}
	}
	return false
}
