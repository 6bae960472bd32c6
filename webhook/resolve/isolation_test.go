package resolve

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// access is one check of a namespace.
type access struct {
	at        time.Duration
	namespace string
	ref       imagepull.Reference
	cred      imagepull.Credential
}

// tenantRegistry is a registry for two namespaces. Its responses depend on the reference and on the time only. The repositories
// of shop fail in all ways, the repositories of depot do not, and shared images are pushed at some time.
type tenantRegistry struct {
	seed  uint64
	start time.Time
	// outages are periods in which the registry fails for all. In an outage, and in any of its 7 seconds, depot may fail, too.
	outages bool

	mu sync.Mutex
	// failures are the times at which a request of depot got no usable response.
	failures []time.Duration
}

// dice returns a number below n, which is the same for the same reference in the same period.
func (r *tenantRegistry) dice(n uint64, ref imagepull.Reference, period time.Duration) int {
	h := fnv.New64a()
	fmt.Fprint(h, r.seed, ref.Path, ref.Tag, period)
	return int(h.Sum64() % n)
}

// shopFaults are the responses to requests for the repositories of shop. An empty reason stands for none.
func shopFaults() []imagepull.Verdict {
	return []imagepull.Verdict{
		transient, transient, redirected, rateLimited, withRetryAfter(transient, time.Hour), lasting, {},
		{Reason: imagepull.ReasonNotARegistry}, {Reason: imagepull.ReasonInsecureRegistry}, pullable, notFound, denied,
	}
}

// truth returns the response at a time.
func (r *tenantRegistry) truth(ref imagepull.Reference, at time.Duration) imagepull.Verdict {
	if r.outages && at%(4*time.Minute) > 3*time.Minute {
		return transient
	}
	switch owner, _, _ := strings.Cut(ref.Path, "/"); owner {
	case "shop":
		faults := shopFaults()
		return faults[r.dice(uint64(len(faults)), ref, at/(20*time.Second))]
	case "depot":
		if r.outages && r.dice(8, ref, at/(7*time.Second)) == 0 {
			return transient
		}
		return []imagepull.Verdict{pullable, notFound, denied}[r.dice(3, ref, at/(7*time.Second))]
	default:
		if at < time.Duration(r.dice(600, ref, 0))*time.Second {
			return notFound
		}
		return pullable
	}
}

// Resolve implements Registry.
func (r *tenantRegistry) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	at := time.Since(r.start)
	v := r.truth(ref, at)
	takes := 5 * time.Millisecond
	if v.Reason == "" {
		v, takes = imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}, time.Hour
	}
	select {
	case <-ctx.Done():
	case <-time.After(takes):
	}
	if v.Outcome() == imagepull.Indeterminate && namespaceOf(ctx) == "depot" {
		r.mu.Lock()
		r.failures = append(r.failures, at)
		r.mu.Unlock()
	}
	v.Origin, v.Credential = imagepull.OriginRegistry, cred.Source
	return v
}

// failedRecently reports whether depot itself saw a failure in the longest time for which a failure has an effect.
func (r *tenantRegistry) failedRecently(at time.Duration) bool {
	for _, failure := range r.failures {
		if failure <= at+checkTimeout && at-failure <= isolationBackoff().MaxDelay+checkTimeout {
			return true
		}
	}
	return false
}

// wasTrue reports whether a reason was the registry's response at any time of a period.
func (r *tenantRegistry) wasTrue(ref imagepull.Reference, reason imagepull.Reason, from, to time.Duration) bool {
	for at := max(from, 0); at <= to; at += 100 * time.Millisecond {
		if r.truth(ref, at).Reason == reason {
			return true
		}
	}
	return false
}

func isolationBackoff() Backoff {
	return Backoff{InitialDelay: 10 * time.Second, Factor: 2, MaxDelay: 30 * time.Second}
}

// accesses returns random checks of a namespace within ten minutes: of its own repositories, and of shared ones. Some of them come
// at the same time.
func accesses(rnd *rand.Rand, namespace string, n int) []access {
	all := make([]access, 0, n)
	for range n {
		owner := namespace
		if rnd.IntN(3) == 0 {
			owner = "shared"
		}
		cred := []imagepull.Credential{anonymous, alice, aliceElsewhere}[rnd.IntN(3)]
		ref := imagepull.Reference{Domain: "registry.example", Path: owner + "/web", Tag: fmt.Sprint(rnd.IntN(12))}
		all = append(all, access{time.Duration(rnd.IntN(6000)) * 100 * time.Millisecond, namespace, ref, cred})
	}
	return all
}

// runAccesses makes all checks at their times, and returns the verdicts.
func runAccesses(t *testing.T, registry *tenantRegistry, all []access) []imagepull.Verdict {
	t.Helper()
	verdicts := make([]imagepull.Verdict, len(all))
	synctest.Test(t, func(t *testing.T) {
		registry.start = time.Now()
		o := allPolicies(clock.RealClock{})
		o.MaxEntries, o.Backoff, o.Breaker = 1000, isolationBackoff(), NewBreaker(isolationBackoff(), clock.RealClock{})
		r := newResolver(t, registry, o)
		var checks sync.WaitGroup
		for i, a := range all {
			checks.Go(func() {
				time.Sleep(a.at)
				ctx, cancel := context.WithTimeout(WithNamespace(t.Context(), a.namespace), 8*time.Second)
				defer cancel()
				verdicts[i] = r.Resolve(ctx, a.ref, a.cred)
				if v := verdicts[i]; v.Outcome() == imagepull.Unpullable && !v.Confirmed {
					verdicts[i] = r.Confirm(ctx, a.ref, a.cred)
				}
			})
		}
		checks.Wait()
		time.Sleep(checkTimeout) // checks without callers end
		synctest.Wait()
	})
	return verdicts
}

// TestOneNamespaceDoesNotAffectAnother compares the verdicts of depot with its verdicts alone. They are the same, or
// fresher: a fact during the check, or a pullable verdict of a request of shop with the same credential.
//
// With outages, one difference is allowed: a registry that also failed depot itself may be closed for all namespaces.
func TestOneNamespaceDoesNotAffectAnother(t *testing.T) {
	t.Parallel()
	for _, outages := range []bool{false, true} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("outages %t, seed %d", outages, seed), func(t *testing.T) {
				t.Parallel()
				rnd := rand.New(rand.NewPCG(seed, 0))
				depot := accesses(rnd, "depot", 300)
				alone := runAccesses(t, &tenantRegistry{seed: seed, outages: outages}, depot)
				registry := &tenantRegistry{seed: seed, outages: outages}
				both := runAccesses(t, registry, append(depot[:len(depot):len(depot)], accesses(rnd, "shop", 1500)...))
				reasons := map[imagepull.Reason]int{}
				for i, a := range depot {
					want, got := alone[i], both[i]
					reasons[got.Reason]++
					isFact := registry.wasTrue(a.ref, got.Reason, a.at, a.at+8*time.Second)
					isShared := got.Reason == imagepull.ReasonPullable && registry.wasTrue(a.ref, got.Reason, a.at-got.Age, a.at)
					isClosed := outages && got.Origin != imagepull.OriginCache && registry.failedRecently(a.at)
					switch {
					case got.Reason == want.Reason, isFact, isShared:
					case got.Outcome() == imagepull.Indeterminate && isClosed:
					default:
						t.Errorf("%v: %s at %v: got %s %q from %s, alone %s", a.namespace, a.ref, a.at, got.Reason, got.Detail, got.Provenance(), want.Reason)
					}
				}
				if reasons[imagepull.ReasonPullable] < 50 || reasons[imagepull.ReasonNotFound] < 20 || !outages && len(registry.failures) > 0 {
					t.Errorf("reasons = %v and %d failures, want many certain verdicts", reasons, len(registry.failures))
				}
			})
		}
	}
}
