package credentials

import (
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
)

// maxAnswers is how many answers of one provider are remembered. The kubelet sets no limit, but it sees the images of one
// node only. With the limit on the size of one it makes 64 MiB at the very worst.
const maxAnswers = 1024

// answers are those of one provider that still hold.
type answers struct {
	clock clock.PassiveClock
	// duration is for an answer that does not say how long it holds.
	duration time.Duration
	byKey    *lru.Cache[string, heldAnswer]
}

// heldAnswer is an answer and how long it holds.
type heldAnswer struct {
	ring    Keyring
	expires time.Time
}

func newAnswers(c clock.PassiveClock, duration time.Duration) (*answers, error) {
	byKey, err := lru.New[string, heldAnswer](maxAnswers)
	if err != nil {
		return nil, err
	}
	return &answers{clock: c, duration: duration, byKey: byKey}, nil
}

// cacheKeys returns under what an answer about a repository may be found, in the order of looking: the repository itself,
// its registry, and what is for all. No repository is spelled like the last.
func cacheKeys(repository string) [3]string {
	registry, _, _ := strings.Cut(repository, "/")
	return [3]string{repository, registry, "<global>"}
}

// recall returns an answer that holds for the repository.
func (a *answers) recall(repository string) (Keyring, bool) {
	for _, key := range cacheKeys(repository) {
		if held, ok := a.byKey.Get(key); ok && !held.expired(a.clock.Now()) {
			return held.ring, true
		}
	}
	return Keyring{}, false
}

// keep remembers an answer, and returns it. A duration of zero forbids that; without one the provider's own counts.
func (a *answers) keep(key string, ring Keyring, duration *metav1.Duration) Keyring {
	a.sweep()
	lasting := a.duration
	if duration != nil {
		lasting = duration.Duration
	}
	if lasting > 0 && ring.size() <= memoryBytes {
		a.byKey.Add(key, heldAnswer{ring: ring, expires: a.clock.Now().Add(lasting)})
	}
	return ring
}

// sweep drops what no longer holds, so that credentials don't stay in memory for longer than they are good for.
func (a *answers) sweep() {
	now := a.clock.Now()
	for _, key := range a.byKey.Keys() {
		if held, ok := a.byKey.Peek(key); ok && held.expired(now) {
			a.byKey.Remove(key)
		}
	}
}

func (h heldAnswer) expired(now time.Time) bool { return now.After(h.expires) }
