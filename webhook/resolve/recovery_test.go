package resolve

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// outageRegistry is a registry that is down until a time.
type outageRegistry struct {
	takes time.Duration // by a request during the outage
	end   time.Time

	mu       sync.Mutex
	requests int // during the outage
}

func (r *outageRegistry) Resolve(_ context.Context, _ imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	v := pullable
	if time.Now().Before(r.end) {
		r.mu.Lock()
		r.requests++
		r.mu.Unlock()
		time.Sleep(r.takes)
		v = transient
	}
	v.Origin, v.Credential = imagepull.OriginRegistry, cred.Source
	return v
}

// TestARegistryThatIsBackIsUsedWithinTheLongestDelay checks twelve images of three namespaces, every second around the end of the
// outage.
func TestARegistryThatIsBackIsUsedWithinTheLongestDelay(t *testing.T) {
	t.Parallel()
	backoff := Backoff{InitialDelay: 10 * time.Second, Factor: 2, MaxDelay: 30 * time.Second, Jitter: 0.1}
	for _, outage := range []time.Duration{20 * time.Second, time.Hour} {
		for name, takes := range map[string]time.Duration{"refused": time.Millisecond, "hanging": 2500 * time.Millisecond} {
			t.Run(fmt.Sprint(name, " for ", outage), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					o := allPolicies(clock.RealClock{})
					o.Backoff, o.Breaker = backoff, NewBreaker(backoff, clock.RealClock{})
					registry := &outageRegistry{takes: takes, end: time.Now().Add(outage)}
					r := newResolver(t, registry, o)
					pending := map[string]bool{}
					check := func() {
						for _, namespace := range []string{"shop", "depot", "market"} {
							for i := range 4 {
								go func() {
									ref := tag(fmt.Sprint(namespace, i))
									v := r.Resolve(WithNamespace(t.Context(), namespace), ref, anonymous)
									registry.mu.Lock()
									defer registry.mu.Unlock()
									if pending[ref.Tag] = v.Outcome() != imagepull.Pullable; pending[ref.Tag] && time.Since(registry.end) > backoff.MaxDelay {
										t.Errorf("%s: got %s %v after the outage", ref, v.Reason, time.Since(registry.end))
									}
								}()
							}
						}
						if time.Until(registry.end) > time.Minute {
							time.Sleep(10 * time.Second)
						}
						time.Sleep(time.Second)
						synctest.Wait()
					}
					for time.Since(registry.end) <= backoff.MaxDelay+time.Second {
						check()
					}
					time.Sleep(checkTimeout)
					for tag, isPending := range pending {
						if isPending {
							t.Errorf("%s has no verdict", tag)
						}
					}
					// Four attempts at a time open the circuit. Then there is one for each of its delays.
					if longest := 40 + int(outage/(10*time.Second)); registry.requests > longest {
						t.Errorf("%d requests in an outage of %v, want at most %d", registry.requests, outage, longest)
					}
				})
			})
		}
	}
}
