package resolve

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// index returns the verdict on an index with this digest.
func index(digest string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: digest, IsIndex: true}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	fromRegistry := func(all ...imagepull.Verdict) []imagepull.Verdict {
		for i := range all {
			all[i].Origin = imagepull.OriginRegistry
		}
		return all
	}
	const contradict = "the registry's responses contradict each other: "
	tests := map[string]struct {
		ref       imagepull.Reference
		responses []imagepull.Verdict
		want      imagepull.Verdict
		requests  int
	}{
		"the same response": {
			responses: fromRegistry(notFound, notFound),
			want:      imagepull.Verdict{Reason: imagepull.ReasonNotFound, Confirmed: true}, requests: 2,
		},
		"a refusal twice": {
			responses: fromRegistry(denied, denied),
			want:      imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Confirmed: true}, requests: 2,
		},
		"then a success": {
			responses: fromRegistry(notFound, pullable),
			want:      imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: contradict + "NotFound, then Pullable"},
			requests:  2,
		},
		"then another failure": {
			responses: fromRegistry(denied, notFound),
			want:      imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: contradict + "AccessDenied, then NotFound"},
			requests:  2,
		},
		"a success, then a failure": {
			responses: fromRegistry(index("sha256:1"), notFound),
			want:      imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: contradict + "Pullable, then NotFound"},
			requests:  2,
		},
		"then no usable response": {
			responses: fromRegistry(unsupported, lasting), want: lasting, requests: 2,
		},
		"then no response": {
			responses: fromRegistry(unsupported, tooLarge),
			want: imagepull.Verdict{
				Reason: imagepull.ReasonDeadlineExceeded, Detail: "the registry's response could not be confirmed in time",
			},
			requests: 2,
		},
		"the same index": {
			responses: fromRegistry(index("sha256:1"), index("sha256:1")),
			want:      imagepull.Verdict{Reason: imagepull.ReasonPullable, Confirmed: true}, requests: 2,
		},
		"another index": { // the tag was moved, or a replica has not noticed
			responses: fromRegistry(index("sha256:1"), index("sha256:2")),
			want:      imagepull.Verdict{Reason: imagepull.ReasonPullable}, requests: 2,
		},
		"the index of a digest": {
			ref: digest("1"), responses: fromRegistry(index("sha256:1")),
			want: imagepull.Verdict{Reason: imagepull.ReasonPullable, Confirmed: true}, requests: 1,
		},
		"no response at first": {responses: fromRegistry(lasting), want: lasting, requests: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.ref.Domain == "" {
				test.ref = tag("1")
			}
			registry := &scriptedRegistry{verdicts: test.responses}
			clock := &steppingClock{FakeClock: newFakeClock()}
			r := newResolver(t, registry, cacheOnly(clock))
			if v := r.Resolve(t.Context(), test.ref, alice); v.Confirmed {
				t.Error("the first verdict is confirmed")
			}
			requests := registry.requests
			v := r.Confirm(t.Context(), test.ref, alice)
			got := imagepull.Verdict{Reason: v.Reason, Detail: v.Detail, Confirmed: v.Confirmed}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if test.requests != registry.requests && requests != test.requests {
				t.Errorf("%d requests, want %d", registry.requests, test.requests)
			}
			if test.requests == 2 && clock.slept != confirmDelay {
				t.Errorf("waited %v, want %v", clock.slept, confirmDelay)
			}
		})
	}
}

func TestConfirmedDenialIsConfirmedAgainWhenItExpires(t *testing.T) {
	t.Parallel()
	registry := &fakeRegistry{verdict: notFound}
	clock := &steppingClock{FakeClock: newFakeClock()}
	r := newResolver(t, registry, cacheOnly(clock))
	check := func() imagepull.Verdict {
		if v := r.Resolve(t.Context(), tag("1"), alice); v.Confirmed {
			return v
		}
		return r.Confirm(t.Context(), tag("1"), alice)
	}
	for i, want := range []int{2, 2, 4, 4} {
		v := check()
		if !v.Confirmed || v.Age > time.Second || registry.requests != want {
			t.Errorf("check %d: confirmed = %t, from %s, after %d requests, want %d", i, v.Confirmed, v.Provenance(), registry.requests, want)
		}
		clock.Step(700 * time.Millisecond)
	}
}

// The second response must be one to the same namespace: the image of another one may have been pushed a moment later.
func TestADenialOfAnotherNamespaceConfirmsNothing(t *testing.T) {
	t.Parallel()
	registry := &fakeRegistry{verdict: notFound}
	r := newResolver(t, registry, cacheOnly(&steppingClock{FakeClock: newFakeClock()}))
	shop, depot := WithNamespace(t.Context(), "shop"), WithNamespace(t.Context(), "depot")
	r.Resolve(shop, tag("1"), alice)
	if v := r.Confirm(shop, tag("1"), alice); !v.Confirmed {
		t.Fatal("the verdict is not confirmed after two requests")
	}
	if v := r.Resolve(depot, tag("1"), alice); v.Confirmed || registry.requests != 3 {
		t.Errorf("confirmed = %t after %d requests, want false after 3", v.Confirmed, registry.requests)
	}
	if v := r.Confirm(depot, tag("1"), alice); !v.Confirmed || registry.requests != 4 {
		t.Errorf("confirmed = %t after %d requests, want true after 4", v.Confirmed, registry.requests)
	}
}

// A tag that can be pulled is cached for long, and denies a pod if its index lacks the platform.
func TestConfirmedIndexIsConfirmedAgainAfterASecond(t *testing.T) {
	t.Parallel()
	registry := &fakeRegistry{verdict: index("sha256:1")}
	clock := &steppingClock{FakeClock: newFakeClock()}
	r := newResolver(t, registry, cacheOnly(clock))
	r.Resolve(t.Context(), tag("1"), alice)
	r.Confirm(t.Context(), tag("1"), alice)
	if v := r.Resolve(t.Context(), tag("1"), alice); !v.Confirmed {
		t.Error("the verdict is not confirmed after Confirm")
	}
	clock.Step(time.Second)
	if v := r.Resolve(t.Context(), tag("1"), alice); v.Confirmed || v.Origin != imagepull.OriginCache {
		t.Errorf("confirmed = %t, from %s; want the cached verdict, unconfirmed", v.Confirmed, v.Provenance())
	}
	if v := r.Confirm(t.Context(), tag("1"), alice); !v.Confirmed || registry.requests != 3 {
		t.Errorf("confirmed = %t after %d requests, want true after 3", v.Confirmed, registry.requests)
	}
}

// An index may deny a pod by its platforms. Namespaces share the response, and each needs a second one of its own.
func TestAnIndexThatAnotherNamespaceConfirmedIsNotConfirmed(t *testing.T) {
	t.Parallel()
	registry := &fakeRegistry{verdict: index("sha256:1")}
	r := newResolver(t, registry, cacheOnly(&steppingClock{FakeClock: newFakeClock()}))
	shop, depot := WithNamespace(t.Context(), "shop"), WithNamespace(t.Context(), "depot")
	r.Resolve(shop, tag("1"), alice)
	if v := r.Confirm(shop, tag("1"), alice); !v.Confirmed {
		t.Fatal("the verdict is not confirmed after two requests")
	}
	if v := r.Resolve(depot, tag("1"), alice); v.Confirmed || v.Origin != imagepull.OriginCache {
		t.Errorf("confirmed = %t, from %s; want the cached verdict, unconfirmed", v.Confirmed, v.Provenance())
	}
	if v := r.Confirm(depot, tag("1"), alice); !v.Confirmed || registry.requests != 3 {
		t.Errorf("confirmed = %t after %d requests, want true after 3", v.Confirmed, registry.requests)
	}
}

// The age of a response is not known then.
func TestConfirmIgnoresAResponseIfTheClockGoesBack(t *testing.T) {
	t.Parallel()
	for _, verdict := range []imagepull.Verdict{notFound, index("sha256:1")} {
		registry := &fakeRegistry{verdict: verdict}
		clock := &steppingClock{FakeClock: newFakeClock()}
		r := newResolver(t, registry, cacheOnly(clock))
		r.Resolve(t.Context(), tag("1"), alice)
		r.Confirm(t.Context(), tag("1"), alice)
		clock.Step(-time.Hour)
		if v := r.Confirm(t.Context(), tag("1"), alice); !v.Confirmed || registry.requests != 4 {
			t.Errorf("%s: confirmed = %t after %d requests, want true after 4", verdict.Reason, v.Confirmed, registry.requests)
		}
	}
}

func TestConfirmUsesAnExpiredResponse(t *testing.T) {
	t.Parallel()
	clock := &steppingClock{FakeClock: newFakeClock()}
	requests := 0
	slow := registryFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
		requests++
		clock.Step(1500 * time.Millisecond)
		return notFound
	})
	r := newResolver(t, slow, cacheOnly(clock))
	r.Resolve(t.Context(), tag("1"), alice)
	if v := r.Confirm(t.Context(), tag("1"), alice); !v.Confirmed || requests != 2 || clock.slept != 0 {
		t.Errorf("confirmed = %t after %d requests and a wait of %v, want true after 2 and none", v.Confirmed, requests, clock.slept)
	}
}

func TestConfirmIgnoresAResponseFromAnotherRoute(t *testing.T) {
	t.Parallel()
	registry := &fakeRegistry{verdict: notFound}
	clock := &steppingClock{FakeClock: newFakeClock()}
	o := cacheOnly(clock)
	var since time.Time
	o.RoutedSince = func(string) time.Time { return since }
	r := newResolver(t, registry, o)
	r.Resolve(t.Context(), tag("1"), alice)
	clock.Step(time.Millisecond)
	since = clock.Now()
	if v := r.Confirm(t.Context(), tag("1"), alice); !v.Confirmed || registry.requests != 3 {
		t.Errorf("confirmed = %t after %d requests, want true after 3", v.Confirmed, registry.requests)
	}
}

type markKey struct{}

func TestOnlyARepeatedRequestIsAConfirmation(t *testing.T) {
	t.Parallel()
	var marks []bool
	registry := registryFunc(func(ctx context.Context, _ imagepull.Reference, _ imagepull.Credential) imagepull.Verdict {
		marks = append(marks, ctx.Value(markKey{}) != nil)
		return loginFailed
	})
	clock := &steppingClock{FakeClock: newFakeClock()}
	o := cacheOnly(clock)
	o.WithConfirmation = func(ctx context.Context) context.Context { return context.WithValue(ctx, markKey{}, true) }
	r := newResolver(t, registry, o)
	r.Resolve(t.Context(), tag("1"), alice)
	r.Confirm(t.Context(), tag("1"), alice)
	clock.Step(3 * time.Second)
	r.Resolve(t.Context(), tag("1"), alice)
	clock.Step(31 * time.Second)
	r.Resolve(t.Context(), tag("1"), alice)
	if diff := cmp.Diff([]bool{false, true, true, false}, marks); diff != "" {
		t.Errorf("confirming requests (-want +got):\n%s", diff)
	}
}

func TestConcurrentCallersShareAConfirmation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := &fakeRegistry{verdict: loginFailed}
		r := newResolver(t, registry, cacheOnly(clock.RealClock{}))
		var all sync.WaitGroup
		for i := range 100 {
			cred := []imagepull.Credential{alice, aliceElsewhere}[i%2]
			all.Go(func() {
				r.Resolve(t.Context(), tag("1"), cred)
				if v := r.Confirm(t.Context(), tag("1"), cred); !v.Confirmed || v.Credential != cred.Source {
					t.Errorf("confirmed = %t for %q, want true for %q", v.Confirmed, v.Credential, cred.Source)
				}
			})
		}
		all.Wait()
		if registry.requests != 2 {
			t.Errorf("%d requests, want 2", registry.requests)
		}
	})
}

func TestConfirmationThatDoesNotFitIntoTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		missing := notFound
		missing.Detail = "tag not found"
		registry := &fakeRegistry{verdict: missing}
		responses := make(chan struct{}, 2)
		r := newResolver(t, notifyingRegistry{registry, responses}, cacheOnly(clock.RealClock{}))
		ctx, cancel := context.WithTimeout(t.Context(), confirmDelay/2)
		defer cancel()
		r.Resolve(ctx, tag("1"), alice)
		<-responses
		v := r.Confirm(ctx, tag("1"), alice)
		want := "tag not found, but the registry's response could not be confirmed in time"
		if v.Reason != imagepull.ReasonDeadlineExceeded || v.Detail != want {
			t.Errorf("got %s: %s, want DeadlineExceeded: %s", v.Reason, v.Detail, want)
		}
		// The request is sent nevertheless, for the next pod.
		<-responses
		synctest.Wait()
		if v := r.Resolve(t.Context(), tag("1"), alice); !v.Confirmed || registry.requests != 2 {
			t.Errorf("confirmed = %t after %d requests, want true after 2", v.Confirmed, registry.requests)
		}
	})
}

// A controller repeats a denied pod, and each request may send the password once more.
func TestRefusedCredentialIsConfirmedByOneRequest(t *testing.T) {
	t.Parallel()
	type check struct {
		after     time.Duration
		namespace string
		verdict   imagepull.Verdict // of the registry
		want      int               // requests
		confirmed bool
	}
	tests := map[string][]check{
		"within thirty seconds": {
			{0, "", loginFailed, 2, true}, {2500 * time.Millisecond, "", loginFailed, 1, true},
			{2 * time.Second, "", loginFailed, 1, true}, {20 * time.Second, "", loginFailed, 1, true},
		},
		"while the verdict is fresh": {{0, "", loginFailed, 2, true}, {time.Second, "", loginFailed, 0, true}},
		"after thirty seconds":       {{0, "", loginFailed, 2, true}, {31 * time.Second, "", loginFailed, 2, true}},
		"of another namespace":       {{0, "", loginFailed, 2, true}, {2500 * time.Millisecond, "depot", loginFailed, 2, true}},
		"that is accepted now":       {{0, "", loginFailed, 2, true}, {2500 * time.Millisecond, "", pullable, 1, false}},
		"then another failure":       {{0, "", loginFailed, 2, true}, {2500 * time.Millisecond, "", notFound, 2, true}},
		"a refused repository":       {{0, "", denied, 2, true}, {2500 * time.Millisecond, "", denied, 2, true}},
	}
	for name, checks := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &steppingClock{FakeClock: newFakeClock()}
			registry := &fakeRegistry{}
			r := newResolver(t, registry, cacheOnly(clock))
			for i, check := range checks {
				clock.Step(check.after)
				registry.verdict, registry.requests = check.verdict, 0
				ctx := WithNamespace(t.Context(), check.namespace)
				v := r.Resolve(ctx, tag("1"), alice)
				if v.Outcome() == imagepull.Unpullable && !v.Confirmed {
					v = r.Confirm(ctx, tag("1"), alice)
				}
				if v.Reason != check.verdict.Reason || v.Confirmed != check.confirmed || registry.requests != check.want {
					t.Errorf("check %d: %s, confirmed = %t, after %d requests, want %s, %t, %d",
						i, v.Reason, v.Confirmed, registry.requests, check.verdict.Reason, check.confirmed, check.want)
				}
			}
		})
	}
}

func TestARefusalOfAnotherRouteConfirmsNothing(t *testing.T) {
	t.Parallel()
	registry := &fakeRegistry{verdict: loginFailed}
	clock := &steppingClock{FakeClock: newFakeClock()}
	o := cacheOnly(clock)
	var since time.Time
	o.RoutedSince = func(string) time.Time { return since }
	r := newResolver(t, registry, o)
	r.Resolve(t.Context(), tag("1"), alice)
	r.Confirm(t.Context(), tag("1"), alice)
	clock.Step(3 * time.Second)
	since = clock.Now()
	if v := r.Resolve(t.Context(), tag("1"), alice); v.Confirmed {
		t.Error("the verdict is confirmed by a response of another route")
	}
}

// A verdict that needs no request is confirmed by the registry client, so that a denial does not wait.
func TestAVerdictThatIsConfirmedStaysSo(t *testing.T) {
	t.Parallel()
	confirmed := imagepull.Verdict{Reason: imagepull.ReasonNotFound, Confirmed: true}
	clock := &steppingClock{FakeClock: newFakeClock()}
	r := newResolver(t, &scriptedRegistry{verdicts: []imagepull.Verdict{confirmed}}, cacheOnly(clock))
	for _, v := range []imagepull.Verdict{r.Resolve(t.Context(), tag("1"), alice), r.Confirm(t.Context(), tag("1"), alice)} {
		if !v.Confirmed {
			t.Error("the verdict is not confirmed")
		}
	}
	if clock.slept != 0 {
		t.Errorf("waited %v, want no wait", clock.slept)
	}
}
