package resolve

import (
	"fmt"
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// backoffEntry is the state of a registry, an account or a reference after a failure.
//
//	counting  → active:    the failures reach the threshold, or the registry sends Retry-After
//	active    → half-open: the delay has ended, and one attempt is under way
//	half-open → active:    the attempt failed
//
// A certain verdict deletes the entry.
type backoffEntry struct {
	domain string
	// verdict is the last failure, and start is when its attempt began.
	verdict imagepull.Verdict
	start   time.Time
	// failures counts the failures in a row. Until the entry is first active, it counts the distinct references only.
	failures   int
	references []imagepull.Reference
	// since and until bound the latest delay. They are zero until the entry is first active.
	since, until time.Time
	halfOpen     bool
}

// delayed reports whether the entry is or was active.
func (e *backoffEntry) delayed() bool { return !e.until.IsZero() }

// active reports whether the delay ends after a given time.
func (e *backoffEntry) active(at time.Time) bool { return at.Before(e.until) }

// lastVerdict returns the last failure with its age, as an indeterminate verdict without the digests and platforms of its reference.
func (e *backoffEntry) lastVerdict(now time.Time) imagepull.Verdict {
	age := max(now.Sub(e.start), 0)
	when := fmt.Sprintf(" (last request %s ago", inSeconds(age))
	if left := e.until.Sub(now); left > 0 {
		when += fmt.Sprintf(", next in %s", inSeconds(left))
	}
	return imagepull.Verdict{
		Reason: e.verdict.Reason, Detail: e.verdict.Detail + when + ")", Fix: e.verdict.Fix,
		Origin: imagepull.OriginBackoff, Age: age,
	}
}

// inSeconds rounds up, so that a delay that has not ended is never 0s.
func inSeconds(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// count adds a failure. Below the threshold a second failure of one reference does not count: the cause may be the
// reference alone.
func (e *backoffEntry) count(ref imagepull.Reference) {
	switch {
	case e.delayed():
		e.failures++
	case !slices.Contains(e.references, ref):
		e.references = append(e.references, ref)
		e.failures = len(e.references)
	}
}

// attempt is a request under way, with the entries that are half-open because of it.
type attempt struct {
	key      key
	start    time.Time
	halfOpen []*backoffEntry
}

// blocked returns the last verdict of the first entry that allows no attempt now. Otherwise the attempt collects the entries
// whose delay has ended. Entries may be nil.
func (a *attempt) blocked(entries ...*backoffEntry) (v imagepull.Verdict, blocked bool) {
	for _, e := range entries {
		switch {
		case e == nil || !e.delayed():
		case e.halfOpen || e.active(a.start):
			return e.lastVerdict(a.start), true
		default:
			a.halfOpen = append(a.halfOpen, e)
		}
	}
	return imagepull.Verdict{}, false
}

// begin makes the collected entries half-open, so that they block other attempts.
func (a *attempt) begin() {
	for _, e := range a.halfOpen {
		e.halfOpen = true
	}
}

// end allows other attempts, whether or not this one has a verdict.
func (a *attempt) end() {
	for _, e := range a.halfOpen {
		e.halfOpen = false
	}
}

// backoffEntries holds the entries of one kind. The caller's lock guards the entries themselves.
type backoffEntries struct {
	backoff Backoff
	// threshold is the number of failures that makes an entry active. Retry-After makes it active below the threshold.
	threshold int
	// entries expire with their delay. An expired entry remains, because it becomes half-open.
	entries *ttlcache.Cache[key, *backoffEntry]
}

func newBackoffEntries(b Backoff, c clock.PassiveClock, maxEntries, threshold int) *backoffEntries {
	return &backoffEntries{backoff: b, threshold: threshold, entries: newBounded[*backoffEntry](c, maxEntries)}
}

// newBounded returns a cache for a constant number of entries. A positive number never causes an error.
func newBounded[V any](c clock.PassiveClock, maxEntries int) *ttlcache.Cache[key, V] {
	entries, err := ttlcache.New(ttlcache.Options[key, V]{MaxEntries: maxEntries, Clock: c})
	if err != nil {
		panic(err)
	}
	return entries
}

// get returns the entry of a key, or nil.
func (b *backoffEntries) get(k key) *backoffEntry {
	e, _ := b.entries.GetStale(k)
	return e
}

func (b *backoffEntries) delete(k key) { b.entries.Delete(k) }

// fail records the failure of an attempt in the entry of a key, and returns the entry.
func (b *backoffEntries) fail(a *attempt, k key, v imagepull.Verdict, now time.Time) *backoffEntry {
	e := b.get(k)
	switch {
	case e == nil || a.start.Sub(e.start) > 2*b.backoff.MaxDelay: // as the kubelet forgets (client-go: util/flowcontrol/backoff.go)
		e = &backoffEntry{domain: k.ref.Domain}
	case e.delayed() && !a.start.After(e.since):
		return e // the attempt began before the delay, so that its failure is the same one
	}
	e.verdict, e.start = v, a.start
	e.count(a.key.ref)
	if e.failures >= b.threshold || v.RetryAfter > 0 {
		e.since, e.until = now, now.Add(b.delay(e.failures, v.RetryAfter))
	}
	b.entries.Put(k, e, e.until)
	return e
}

// delay returns the delay after some failures. Below the threshold the delay is Retry-After and no longer, so that a retry
// that waits for it is not blocked.
func (b *backoffEntries) delay(failures int, retryAfter time.Duration) time.Duration {
	longest := b.backoff.MaxDelay
	retryAfter = min(retryAfter, longest)
	if failures < b.threshold {
		return retryAfter
	}
	d := longest
	if f := float64(b.backoff.InitialDelay) * math.Pow(b.backoff.Factor, float64(failures-b.threshold)); f < float64(longest) {
		d = time.Duration(f)
	}
	d = max(d, retryAfter)
	if b.backoff.Jitter <= 0 {
		return d
	}
	return wait.Jitter(d, b.backoff.Jitter)
}

// addActive adds the domains of the active entries.
func (b *backoffEntries) addActive(domains map[string]bool) {
	for _, e := range b.entries.Values() {
		domains[e.domain] = true
	}
}
