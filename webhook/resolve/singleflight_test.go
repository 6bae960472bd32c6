package resolve

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/parallel"
)

func TestConcurrentChecksSendOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &slowRegistry{fakeRegistry: fakeRegistry{verdict: denied}, takes: time.Second}
		r := newResolver(t, registry, neutral(clock.RealClock{}))
		var all sync.WaitGroup
		for i := range 1000 {
			cred := alice
			if i%2 == 1 {
				cred = aliceElsewhere
			}
			all.Go(func() {
				v := r.Resolve(t.Context(), tag("1"), cred)
				if want := cred.Refused().Detail; v.Detail != want || v.Credential != cred.Source {
					t.Errorf("got %q for %s, want %q for %s", v.Detail, v.Credential, want, cred.Source)
				}
			})
		}
		all.Wait()
		if registry.requests != 1 {
			t.Errorf("%d requests, want 1", registry.requests)
		}
		r.Resolve(t.Context(), tag("1"), alice)
		if registry.requests != 2 {
			t.Errorf("%d requests with one after the first response, want 2", registry.requests)
		}
	})
}

func TestDifferentChecksSendRequestsOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &slowRegistry{fakeRegistry: fakeRegistry{verdict: pullable}, takes: time.Second}
		r := newResolver(t, registry, neutral(clock.RealClock{}))
		both := tag("1")
		both.Digest = digest("1").Digest
		var all sync.WaitGroup
		for _, ref := range []imagepull.Reference{tag("1"), tag("2"), digest("1"), both} {
			for _, cred := range []imagepull.Credential{alice, bob, anonymous} {
				all.Go(func() { r.Resolve(t.Context(), ref, cred) })
			}
		}
		all.Wait()
		if registry.requests != 12 {
			t.Errorf("%d requests, want 12", registry.requests)
		}
	})
}

// A namespace does not wait for the turn of another one. It needs no request if the other one has its verdict first.
func TestNamespacesShareNoFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &slowRegistry{fakeRegistry: fakeRegistry{verdict: pullable}, takes: time.Second}
		o := cacheOnly(clock.RealClock{})
		o.Limiter = NewLimiter(1, 1)
		r := newResolver(t, registry, o)
		release, ok := o.Limiter.acquire(t.Context(), "other.example")
		if !ok {
			t.Fatal("acquire() reported false, want a slot")
		}
		var all sync.WaitGroup
		for _, namespace := range []string{"shop", "depot", "market"} {
			all.Go(func() { r.Resolve(WithNamespace(t.Context(), namespace), tag("1"), alice) })
		}
		synctest.Wait()
		if got := o.Limiter.Waiting(); got != 3 {
			t.Errorf("%d checks are waiting, want 3", got)
		}
		release()
		all.Wait()
		if registry.requests != 1 {
			t.Errorf("%d requests, want 1", registry.requests)
		}
	})
}

func TestACallerThatGivesUpDoesNotAffectOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &slowRegistry{fakeRegistry: fakeRegistry{verdict: pullable}, takes: 5 * time.Second}
		r := newResolver(t, registry, neutral(clock.RealClock{}))
		var all sync.WaitGroup
		check := func(budget time.Duration, want imagepull.Reason, wantWait time.Duration) {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), budget)
				defer cancel()
				start := time.Now()
				v := r.Resolve(ctx, tag("1"), alice)
				if took := time.Since(start); v.Reason != want || took != wantWait || v.Credential != alice.Source {
					t.Errorf("got %s for %q after %v, want %s after %v", v.Reason, v.Credential, took, want, wantWait)
				}
			})
		}
		check(time.Second, imagepull.ReasonDeadlineExceeded, time.Second)
		synctest.Wait()
		check(8*time.Second, imagepull.ReasonPullable, 5*time.Second)
		all.Wait()
		if registry.requests != 1 {
			t.Errorf("%d requests, want 1", registry.requests)
		}
	})
}

func TestAVerdictIsCachedAfterAllCallersGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &slowRegistry{fakeRegistry: fakeRegistry{verdict: pullable}, takes: 5 * time.Second}
		responses := make(chan struct{}, 1)
		r := newResolver(t, notifyingRegistry{registry, responses}, cacheOnly(clock.RealClock{}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.Resolve(ctx, tag("1"), anonymous)
		<-responses
		synctest.Wait()
		if v, ok := r.Cached(tag("1"), anonymous); !ok || v.Reason != imagepull.ReasonPullable || registry.requests != 1 {
			t.Errorf("Cached() = %s, %t after %d requests, want Pullable after one", v.Reason, ok, registry.requests)
		}
	})
}

func TestAFlightHasATimeoutOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newResolver(t, &slowRegistry{takes: time.Hour}, neutral(clock.RealClock{}))
		start := time.Now()
		v := r.Resolve(t.Context(), tag("1"), anonymous)
		if took := time.Since(start); v.Reason != imagepull.ReasonDeadlineExceeded || took != checkTimeout {
			t.Errorf("got %s after %v, want DeadlineExceeded after %v", v.Reason, took, checkTimeout)
		}
	})
}

// A caller that gives up while an attempt is under way learns what the attempt before has shown.
func TestACallerThatGivesUpLearnsTheLastFailure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		verdict imagepull.Verdict
		budget  time.Duration
		want    string
	}{
		"in the first attempt":  {transient, 2 * time.Second, "DeadlineExceeded none"},
		"in the second attempt": {transient, 4 * time.Second, "RegistryUnavailable registry"},
		"after the last":        {transient, 7 * time.Second, "RegistryUnavailable registry"},
		"after a success":       {pullable, 4 * time.Second, "Pullable registry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				registry := &slowRegistry{fakeRegistry: fakeRegistry{verdict: test.verdict}, takes: 2500 * time.Millisecond}
				r := newResolver(t, registry, allPolicies(clock.RealClock{}))
				ctx, cancel := context.WithTimeout(t.Context(), test.budget)
				defer cancel()
				v := r.Resolve(ctx, tag("1"), alice)
				if got := string(v.Reason) + " " + v.Provenance(); got != test.want || v.Credential != alice.Source {
					t.Errorf("got %s for %s, want %s for %s", got, v.Credential, test.want, alice.Source)
				}
				time.Sleep(checkTimeout)
				synctest.Wait()
				if v, ok := r.failed.last(r.key(ctx, tag("1"), alice)); ok {
					t.Errorf("the attempt %v is still there after its check", v)
				}
			})
		})
	}
}

func TestAnEndedContextSendsNoRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		registry := &fakeRegistry{verdict: pullable}
		v := newResolver(t, registry, neutral(clock.RealClock{})).Resolve(ctx, tag("1"), alice)
		synctest.Wait()
		if v.Reason != imagepull.ReasonDeadlineExceeded || v.Credential != alice.Source || registry.requests != 0 {
			t.Errorf("got %s for %q after %d requests, want DeadlineExceeded without any", v.Reason, v.Credential, registry.requests)
		}
	})
}

func TestAPanicReachesAllWaitingCallersOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken, release := true, make(chan struct{})
		r := newResolver(t, registryFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
			<-release
			if broken {
				panic(errors.New("s3cr3t"))
			}
			return pullable
		}), neutral(clock.RealClock{}))
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				defer func() {
					err, ok := recover().(*parallel.PanicError)
					if !ok || err.Error() != "panic of *errors.errorString" {
						t.Errorf("recovered %v, want a PanicError", err)
					}
					if ok && (!strings.Contains(err.Stack(), "TestAPanicReaches") || strings.Contains(err.Stack(), "s3cr3t")) {
						t.Errorf("Stack() = %s, want the place and not the text of the panic", err.Stack())
					}
				}()
				r.Resolve(t.Context(), tag("1"), anonymous)
			})
		}
		synctest.Wait()
		close(release)
		all.Wait()
		broken = false
		if v := r.Resolve(t.Context(), tag("1"), anonymous); v.Reason != imagepull.ReasonPullable {
			t.Errorf("reason = %s after the panic, want Pullable", v.Reason)
		}
	})
}

func TestAPanicWithoutWaitingCallersDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := newResolver(t, registryFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
			<-release
			panic("without callers")
		}), neutral(clock.RealClock{}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.Resolve(ctx, tag("1"), anonymous)
		close(release)
		synctest.Wait()
	})
}
