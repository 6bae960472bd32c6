package resolve_test

import (
	"context"
	"fmt"
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

// lifetime is how old a verdict may be.
func lifetime(q question, reason imagepull.Reason) time.Duration {
	l := lifetimes()
	switch reason {
	case imagepull.ReasonPullable:
		if q.ref.Digest != "" {
			return l.Digest
		}
		return l.Tag
	case imagepull.ReasonNotFound:
		return l.NotFound
	case imagepull.ReasonAccessDenied:
		return l.Denied
	default:
		return backoff().MaxDelay
	}
}

// check holds a verdict against the history.
func (w *world) check(q question, v imagepull.Verdict, began time.Time) {
	w.t.Helper()
	from := began.Add(-lifetime(q, v.Reason))
	switch {
	case v.Outcome() != imagepull.Indeterminate && !w.was(q, v.Reason, from, w.clock.Now()):
		w.t.Errorf("%v: %s from %s was not true of it within its lifetime", q, v.Reason, v.Provenance())
	case v.Reason == imagepull.ReasonRateLimited && !w.anyWas(q, v.Reason, from):
		w.t.Errorf("%v: %s from %s, but the account was not limited", q, v.Reason, v.Provenance())
	case v.Outcome() == imagepull.Indeterminate && q.ref.Domain == elsewhere("1").Domain && q.user == "":
		w.t.Errorf("%v: %s from %s, but this registry was never down", q, v.Reason, v.Provenance())
	case v.Age > lifetime(q, v.Reason):
		w.t.Errorf("%v: %s from %s is too old", q, v.Reason, v.Provenance())
	}
}

// anyWas is was for any reference of the same registry and account.
func (w *world) anyWas(q question, reason imagepull.Reason, from time.Time) bool {
	for _, other := range w.questions() {
		if other.user == q.user && other.password == q.password && other.ref.Domain == q.ref.Domain && w.was(other, reason, from, w.clock.Now()) {
			return true
		}
	}
	return false
}

// leastPause is how long a registry must not be asked the same again after an answer.
func leastPause(a ask) time.Duration {
	switch a.reason {
	case imagepull.ReasonPullable:
		return lifetime(a.question, a.reason)
	case imagepull.ReasonRegistryUnavailable, imagepull.ReasonRateLimited:
		return backoff().InitialDelay
	default:
		return time.Second
	}
}

// checkAsks counts the requests: none comes before the answer to the one before has lost its worth, but for the one
// repetition within a question.
func (w *world) checkAsks() {
	w.t.Helper()
	latest := map[question]ask{}
	attempts := 0
	for _, a := range w.asks {
		before, known := latest[a.question]
		if !known || a.at.Sub(before.at) > time.Millisecond {
			attempts = 0
		}
		attempts++
		repeats := before.reason == imagepull.ReasonRegistryUnavailable && attempts == 2
		if known && !repeats && a.at.Sub(before.at) < leastPause(before) {
			w.t.Errorf("%v was asked again %v after %s", a.question, a.at.Sub(before.at), before.reason)
		}
		latest[a.question] = a
	}
}

// TestStackAgainstAModel drives random sequences of pushes, deletions, changes of secrets, outages and jumps of the clock
// through all decorators.
func TestStackAgainstAModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed)
			r := stack(t, w, w.clock)
			all, sources := w.questions(), []string{"secret/shop/a", "secret/depot/b"}
			seen := map[imagepull.Origin]int{}
			for range 1500 {
				switch w.rand.IntN(10) {
				case 0:
					w.change()
				case 1, 2:
					w.jump()
				default:
					q, began := all[w.rand.IntN(len(all))], w.clock.Now()
					cred := imagepull.Credential{Username: q.user, Password: q.password, Source: sources[w.rand.IntN(2)]}
					v := r.Resolve(t.Context(), q.ref, cred)
					seen[v.Origin]++
					if v.Credential != cred.Source {
						t.Errorf("%v: the verdict is for %q, want %q", q, v.Credential, cred.Source)
					}
					w.check(q, v, began)
				}
				if t.Failed() {
					t.FailNow()
				}
			}
			w.checkAsks()
			if seen[imagepull.OriginCache] < 100 || seen[imagepull.OriginBackoff] < 20 || seen[imagepull.OriginRegistry] < 100 {
				t.Errorf("origins = %v, want a good deal of each", seen)
			}
		})
	}
}
