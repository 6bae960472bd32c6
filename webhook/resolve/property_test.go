package resolve_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

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
		same := other.user == q.user && other.password == q.password && other.ref.Domain == q.ref.Domain
		if same && w.was(other, reason, from, w.clock.Now()) {
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

// checkRests holds the requests against a plain count of failures: after three references in a row that got no answer, each
// attempt waits for the rest that follows on the one before, and there is no other.
func (w *world) checkRests() {
	w.t.Helper()
	var last, until time.Time
	var rest time.Duration
	failed := map[imagepull.Reference]bool{}
	for _, a := range w.asks {
		if a.question.ref.Domain != tag("1").Domain {
			continue
		}
		if a.at.Before(until) {
			w.t.Errorf("%v was asked %v before the end of a rest", a.question, until.Sub(a.at))
		}
		known := a.reason != imagepull.ReasonRegistryUnavailable && a.reason != imagepull.ReasonRateLimited
		if known || a.at.Sub(last) > 2*backoff().MaxDelay {
			failed, rest, until = map[imagepull.Reference]bool{}, 0, time.Time{}
		}
		if a.reason != imagepull.ReasonRegistryUnavailable {
			continue
		}
		failed[a.question.ref], last = true, a.at
		if len(failed) >= 3 {
			rest = min(max(2*rest, backoff().InitialDelay), backoff().MaxDelay)
			until = a.at.Add(rest)
		}
	}
}

// stacks returns what asks for tags by one stack and for digests by another, as the command does to look into images. The
// two have the circuits in common.
func (w *world) stacks(t *testing.T) resolve.Resolver {
	t.Helper()
	circuits := resolve.NewCircuits(backoff(), w.clock)
	images, contents := stack(t, w, circuits, w.clock), stack(t, w, circuits, w.clock)
	return resolverFunc(func(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
		if ref.Digest != "" {
			return contents.Resolve(ctx, ref, cred)
		}
		return images.Resolve(ctx, ref, cred)
	})
}

// TestStackAgainstAModel drives random sequences of pushes, deletions, changes of secrets, outages and jumps of the clock
// through all decorators.
func TestStackAgainstAModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed)
			r := w.stacks(t)
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
			w.checkRests()
			if seen[imagepull.OriginCache] < 100 || seen[imagepull.OriginBackoff] < 20 || seen[imagepull.OriginRegistry] < 100 {
				t.Errorf("origins = %v, want a good deal of each", seen)
			}
		})
	}
}
