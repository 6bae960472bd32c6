package resolve

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// rest is what is known of something that failed.
type rest struct {
	// verdict is the last one, and asked is when it was asked for.
	verdict imagepull.Verdict
	asked   time.Time
	// failures are those in a row; up to the first rest they are of different references, which by names.
	failures int
	by       []imagepull.Reference
	// since and until are zero as long as the failures are too few for a rest.
	since, until time.Time
	// probing says that a question is under way that tries again.
	probing bool
}

func (r *rest) begun() bool { return !r.until.IsZero() }

// lasts reports whether it has begun and is not over by then.
func (r *rest) lasts(then time.Time) bool { return then.Before(r.until) }

// told returns the last verdict with its age, as the doubt that it is. Of its details only the text concerns others.
func (r *rest) told(now time.Time) imagepull.Verdict {
	age := max(now.Sub(r.asked), 0)
	when := fmt.Sprintf(" (asked %s ago", inSeconds(age))
	if left := r.until.Sub(now); left > 0 {
		when += fmt.Sprintf(", again in %s", inSeconds(left))
	}
	return imagepull.Verdict{
		Reason: r.verdict.Reason, Detail: r.verdict.Detail + when + ")", Fix: r.verdict.Fix,
		Origin: imagepull.OriginBackoff, Age: age,
	}
}

// inSeconds rounds up, so that nothing is due in no time.
func inSeconds(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// rests are those of one kind of thing.
type rests struct {
	backoff Backoff
	// patience is how many failures it takes for the first rest, unless the registry asks for one.
	patience int
	byKey    *simplelru.LRU[key, *rest]
}

func newRests(size, patience int, b Backoff) *rests {
	return &rests{backoff: b, patience: patience, byKey: newLRU[*rest](size)}
}

// newLRU returns a list for a constant size, of which none is refused.
func newLRU[V any](size int) *simplelru.LRU[key, V] {
	list, err := simplelru.NewLRU[key, V](size, nil)
	if err != nil {
		panic(err)
	}
	return list
}

// get returns what is known, or nil.
func (s *rests) get(k key) *rest {
	r, _ := s.byKey.Get(k)
	return r
}

func (s *rests) forget(k key) { s.byKey.Remove(k) }

// fail adds the failure of an attempt.
func (s *rests) fail(a attempt, k key, v imagepull.Verdict, now time.Time) {
	r := s.get(k)
	switch {
	case r == nil || a.asked.Sub(r.asked) > 2*s.backoff.MaxDelay: // as the kubelet forgets (client-go: util/flowcontrol/backoff.go)
		r = &rest{}
		s.byKey.Add(k, r)
	case r.begun() && !a.asked.After(r.since):
		return // it was under way before, and its failure is the same one
	}
	r.verdict, r.asked = v, a.asked
	r.count(a.key.ref)
	if r.failures >= s.patience || v.RetryAfter > 0 {
		r.since, r.until = now, now.Add(s.delay(r.failures, v.RetryAfter))
	}
}

// count adds a failure, unless it tells nothing new: that of one reference may be its own.
func (r *rest) count(ref imagepull.Reference) {
	switch {
	case r.begun():
		r.failures++
	case !slices.Contains(r.by, ref):
		r.by = append(r.by, ref)
		r.failures = len(r.by)
	}
}

// delay returns how long the rest is after some failures. Where they are too few for one, it is as long as the registry
// wants and no longer, so that a retry that waits for it comes in time.
func (s *rests) delay(failures int, retryAfter time.Duration) time.Duration {
	most := s.backoff.MaxDelay
	retryAfter = min(retryAfter, most)
	if failures < s.patience {
		return retryAfter
	}
	d := most
	if f := float64(s.backoff.InitialDelay) * math.Pow(s.backoff.Factor, float64(failures-s.patience)); f < float64(most) {
		d = time.Duration(f)
	}
	d = max(d, retryAfter)
	if s.backoff.Jitter <= 0 {
		return d
	}
	return wait.Jitter(d, s.backoff.Jitter)
}

// addResting adds the domains of what is left alone.
func (s *rests) addResting(domains map[string]bool, now time.Time) {
	for _, k := range s.byKey.Keys() {
		if r, ok := s.byKey.Peek(k); ok && r.lasts(now) {
			domains[k.ref.Domain] = true
		}
	}
}
