package resolve

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// maxAge returns the maximum age of a verdict.
func maxAge(l lookup, reason imagepull.Reason) time.Duration {
	ttls := testTTLs()
	switch reason {
	case imagepull.ReasonPullable:
		if l.ref.Digest != "" {
			return ttls.Digest
		}
		return ttls.Tag
	case imagepull.ReasonNotFound:
		return ttls.NotFound
	case imagepull.ReasonAccessDenied:
		return ttls.Denied
	default:
		return testBackoff().MaxDelay
	}
}

// check compares a verdict with the history. A confirmed denial was a fact twice.
func (m *modelRegistry) check(l lookup, v imagepull.Verdict, began time.Time, sentBefore int) {
	m.t.Helper()
	longest := maxAge(l, v.Reason)
	if v.Reason == imagepull.ReasonPullable && v.Origin == imagepull.OriginCache && m.wasDown(l, sentBefore) {
		longest += maxStale
	}
	from := began.Add(-longest)
	switch {
	case v.Outcome() != imagepull.Indeterminate && !m.was(l, v.Reason, from, m.clock.Now()):
		m.t.Errorf("%v: %s from %s was not a fact within its TTL", l, v.Reason, v.Provenance())
	case v.Reason == imagepull.ReasonRateLimited && !m.anyWas(l, v.Reason, from):
		m.t.Errorf("%v: %s from %s, but the account was not limited", l, v.Reason, v.Provenance())
	case strings.HasPrefix(v.Detail, "the registry's responses contradict"):
		if first, second := m.lastTwo(l); first.reason == second.reason {
			m.t.Errorf("%v: %s, but both were %s", l, v.Detail, first.reason)
		}
	case v.Outcome() == imagepull.Indeterminate && l.ref.Domain == otherTag("1").Domain && l.user == "":
		m.t.Errorf("%v: %s from %s, but this registry was never down", l, v.Reason, v.Provenance())
	case v.Confirmed && v.Outcome() == imagepull.Unpullable && !m.wasSentTwice(l, v.Reason, from):
		m.t.Errorf("%v: %s from %s is not confirmed by two requests", l, v.Reason, v.Provenance())
	case v.Age > longest:
		m.t.Errorf("%v: %s from %s is too old", l, v.Reason, v.Provenance())
	}
}

// wasDown reports whether the last request that the Resolver of the lookup sent to the registry before failed, or one since.
func (m *modelRegistry) wasDown(l lookup, sentBefore int) bool {
	down := false
	for i, s := range m.requests {
		if s.lookup.ref.Domain != l.ref.Domain || (s.lookup.ref.Digest == "") != (l.ref.Digest == "") {
			continue
		}
		failed := s.reason == imagepull.ReasonRegistryUnavailable
		down = failed || down && (i >= sentBefore || s.reason == imagepull.ReasonRateLimited)
	}
	return down
}

// anyWas reports whether a reason was a fact of any reference of the same registry and account.
func (m *modelRegistry) anyWas(l lookup, reason imagepull.Reason, from time.Time) bool {
	for _, other := range m.lookups() {
		same := other.user == l.user && other.password == l.password && other.ref.Domain == l.ref.Domain
		if same && m.was(other, reason, from, m.clock.Now()) {
			return true
		}
	}
	return false
}

// lastTwo returns the last two requests of a lookup, or zero values.
func (m *modelRegistry) lastTwo(l lookup) (first, second sent) {
	for _, s := range m.requests {
		if s.lookup == l {
			first, second = second, s
		}
	}
	return first, second
}

// wasSentTwice reports whether the last two requests of a lookup had this result, the last one since a moment.
func (m *modelRegistry) wasSentTwice(l lookup, reason imagepull.Reason, since time.Time) bool {
	first, second := m.lastTwo(l)
	return first.reason == reason && second.reason == reason && !second.at.Before(since) &&
		second.at.Sub(first.at) >= confirmDelay
}

// minPause returns the minimum time between a request and the next one of the same lookup.
func minPause(s sent) time.Duration {
	switch s.reason {
	case imagepull.ReasonPullable:
		return maxAge(s.lookup, s.reason)
	case imagepull.ReasonRegistryUnavailable, imagepull.ReasonRateLimited:
		return testBackoff().InitialDelay
	default:
		return time.Second
	}
}

// checkPauses compares the times of the requests. No request comes before the previous verdict of its lookup has expired,
// except the one retry within a check, and the confirmation of a denial.
func (m *modelRegistry) checkPauses() {
	m.t.Helper()
	latest := map[lookup]sent{}
	attempts := 0
	for _, s := range m.requests {
		before, known := latest[s.lookup]
		if !known || s.at.Sub(before.at) > time.Millisecond {
			attempts = 0
		}
		attempts++
		retry := before.reason == imagepull.ReasonRegistryUnavailable && attempts == 2 || s.confirms
		if known && !retry && s.at.Sub(before.at) < minPause(before) {
			m.t.Errorf("%v was requested again %v after %s", s.lookup, s.at.Sub(before.at), before.reason)
		}
		latest[s.lookup] = s
	}
}

// checkDelays compares the requests with a plain count of failures. After three failed references in a row each attempt
// waits for the delay after the previous one, and other attempts are blocked.
func (m *modelRegistry) checkDelays() {
	m.t.Helper()
	var last, until time.Time
	var delay time.Duration
	failed := map[imagepull.Reference]bool{}
	for _, s := range m.requests {
		if s.lookup.ref.Domain != tag("1").Domain {
			continue
		}
		if s.at.Before(until) {
			m.t.Errorf("%v was requested %v before the end of a delay", s.lookup, until.Sub(s.at))
		}
		certain := s.reason != imagepull.ReasonRegistryUnavailable && s.reason != imagepull.ReasonRateLimited
		if certain || s.at.Sub(last) > 2*testBackoff().MaxDelay {
			failed, delay, until = map[imagepull.Reference]bool{}, 0, time.Time{}
		}
		if s.reason != imagepull.ReasonRegistryUnavailable {
			continue
		}
		failed[s.lookup.ref], last = true, s.at
		if len(failed) >= 3 {
			delay = min(max(2*delay, testBackoff().InitialDelay), testBackoff().MaxDelay)
			until = s.at.Add(delay)
		}
	}
}

// TestVerdictsAgreeWithAModel makes random sequences of pushes, deletions, changed secrets, outages and jumps of the clock.
// One Resolver checks tags, another one digests, as the command does for deep checks. They share their Options.
func TestVerdictsAgreeWithAModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testAgainstModel(t, seed) })
		})
	}
}

func testAgainstModel(t *testing.T, seed uint64) {
	m := newModelRegistry(t, seed)
	options := allPolicies(m.clock)
	options.WithConfirmation = func(ctx context.Context) context.Context { return context.WithValue(ctx, markKey{}, true) }
	images, contents := newResolver(t, m, options), newResolver(t, m, options)
	all, sources := m.lookups(), []string{"secret/shop/a", "secret/depot/b"}
	seen := map[imagepull.Origin]int{}
	stale := 0
	for range 1500 {
		switch m.rand.IntN(10) {
		case 0:
			m.change()
		case 1, 2:
			m.jump()
		default:
			l, began, sentBefore := all[m.rand.IntN(len(all))], m.clock.Now(), len(m.requests)
			cred := imagepull.Credential{Username: l.user, Password: l.password, Source: sources[m.rand.IntN(2)]}
			r := images
			if l.ref.Digest != "" {
				r = contents
			}
			v := r.Resolve(t.Context(), l.ref, cred)
			synctest.Wait() // a refresh may be under way
			if m.check(l, v, began, sentBefore); v.Outcome() == imagepull.Unpullable && !v.Confirmed {
				v = m.confirm(t.Context(), r, l.ref, cred)
			}
			if seen[v.Origin]++; v.Age > maxAge(l, v.Reason) {
				stale++
			}
			if v.Credential != cred.Source {
				t.Errorf("%v: the verdict is for %q, want %q", l, v.Credential, cred.Source)
			}
			m.check(l, v, began, sentBefore)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	m.checkPauses()
	m.checkDelays()
	if seen[imagepull.OriginCache] < 50 || seen[imagepull.OriginBackoff] < 20 || seen[imagepull.OriginRegistry] < 100 || stale < 5 {
		t.Errorf("origins = %v and %d verdicts past their TTL, want many of each", seen, stale)
	}
}
