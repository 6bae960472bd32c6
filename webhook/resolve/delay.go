package resolve

import (
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

// delay is the state of a registry, an account or a reference after a failure.
//
//	counting  → active:    the failures reach the threshold
//	active    → half-open: the delay has ended, and one attempt is under way
//	half-open → active:    the attempt failed
//
// A certain verdict deletes it.
type delay struct {
	domain string
	// verdict is the last failure, and start is when its attempt began.
	verdict imagepull.Verdict
	start   time.Time
	// references and namespaces had the failures before the delay was first active, as many as the threshold needs.
	references []imagepull.Reference
	namespaces []string
	// failures counts the later failures.
	failures int
	// since and until bound the latest delay. They are zero until it is first active.
	since, until time.Time
	halfOpen     bool
}

// threshold is the number of different references, and of different namespaces, whose failures in a row make a delay active.
type threshold struct{ references, namespaces int }

// begun reports whether the delay is or was active.
func (d *delay) begun() bool { return !d.until.IsZero() }

// active reports whether the delay ends after a given time.
func (d *delay) active(at time.Time) bool { return at.Before(d.until) }

// lastVerdict returns the last failure, as an indeterminate verdict without the digests and platforms of its reference. Its
// detail has no times, because the request may be one of another namespace.
func (d *delay) lastVerdict(now time.Time) imagepull.Verdict {
	return imagepull.Verdict{
		Reason: d.verdict.Reason, Detail: d.verdict.Detail + " (no new request yet)", Fix: d.verdict.Fix,
		Origin: imagepull.OriginBackoff, Age: max(now.Sub(d.start), 0),
	}
}

// count adds a failure, and reports whether the threshold is reached. Below it a second failure of one reference does not
// count: the cause may be the reference alone.
func (d *delay) count(k key, t threshold) (reached bool) {
	if d.begun() {
		d.failures++
		return true
	}
	if len(d.references) < t.references && !slices.Contains(d.references, k.ref) {
		d.references = append(d.references, k.ref)
	}
	if len(d.namespaces) < t.namespaces && !slices.Contains(d.namespaces, k.namespace) {
		d.namespaces = append(d.namespaces, k.namespace)
	}
	return len(d.references) == t.references && len(d.namespaces) == t.namespaces
}

// attempt is a request under way, with the delays that are half-open because of it.
type attempt struct {
	key      key
	start    time.Time
	halfOpen []*delay
}

// blocked returns the last verdict of the first delay that allows no attempt now. Otherwise the attempt collects the delays
// that have ended. Delays may be nil.
func (a *attempt) blocked(delays ...*delay) (v imagepull.Verdict, blocked bool) {
	for _, d := range delays {
		switch {
		case d == nil || !d.begun():
		case d.halfOpen || d.active(a.start):
			return d.lastVerdict(a.start), true
		default:
			a.halfOpen = append(a.halfOpen, d)
		}
	}
	return imagepull.Verdict{}, false
}

// begin makes the collected delays half-open, so that they block other attempts.
func (a *attempt) begin() {
	for _, d := range a.halfOpen {
		d.halfOpen = true
	}
}

// end allows other attempts, whether or not this one has a verdict.
func (a *attempt) end() {
	for _, d := range a.halfOpen {
		d.halfOpen = false
	}
}

// delays holds the delays of one kind. The caller's lock guards the delays themselves.
type delays struct {
	backoff   Backoff
	threshold threshold
	// entries expire with their delay. An expired entry remains, because it becomes half-open.
	entries *ttlcache.Cache[key, *delay]
}

func newDelays(b Backoff, c clock.PassiveClock, t threshold) *delays {
	return &delays{backoff: b, threshold: t, entries: newBounded[*delay](c)}
}

// maxFailures bounds the entries of each kind, because pod authors control references and hosts. An evicted entry costs a few
// more requests.
const maxFailures = 4096

// newBounded returns a cache of failures. A positive bound never causes an error.
func newBounded[V any](c clock.PassiveClock) *ttlcache.Cache[key, V] {
	entries, err := ttlcache.New(ttlcache.Options[key, V]{MaxEntries: maxFailures, Clock: c})
	if err != nil {
		panic(err)
	}
	return entries
}

// get returns the delay of a key, or nil.
func (ds *delays) get(k key) *delay {
	d, _ := ds.entries.GetStale(k)
	return d
}

func (ds *delays) delete(k key) { ds.entries.Delete(k) }

// fail records the failure of an attempt in the delay of a key, and returns the delay.
func (ds *delays) fail(a *attempt, k key, v imagepull.Verdict, now time.Time) *delay {
	d := ds.get(k)
	switch {
	case d == nil || a.start.Sub(d.start) > 2*ds.backoff.MaxDelay: // as the kubelet forgets (client-go: util/flowcontrol/backoff.go)
		d = &delay{domain: k.ref.Domain}
	case d.begun() && !a.start.After(d.since):
		return d // the attempt began before the delay, so that its failure is the same one
	}
	d.verdict, d.start = v, a.start
	if d.count(a.key, ds.threshold) {
		d.since = now
		d.until = ds.end(d, v.RetryAfter)
	}
	ds.entries.Put(k, d, d.until)
	return d
}

// end returns when a delay ends that begins now. It counts from the start of the attempt: the registry may have returned while
// the attempt waited for its timeout. Retry-After counts from the response.
func (ds *delays) end(d *delay, retryAfter time.Duration) time.Time {
	longest := ds.backoff.MaxDelay
	length := longest
	if f := float64(ds.backoff.InitialDelay) * math.Pow(ds.backoff.Factor, float64(d.failures)); f < float64(longest) {
		length = time.Duration(f)
	}
	if ds.backoff.Jitter > 0 {
		length = min(wait.Jitter(length, ds.backoff.Jitter), longest)
	}
	until := d.start.Add(length)
	if after := d.since.Add(min(retryAfter, longest)); after.After(until) {
		return after
	}
	return until
}

// addActive adds the domains of the active delays.
func (ds *delays) addActive(domains map[string]bool) {
	for _, d := range ds.entries.Values() {
		domains[d.domain] = true
	}
}
