package preflight_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// TestOrigin: whatever becomes of a verdict, where its cause came from is not lost.
func TestOrigin(t *testing.T) {
	t.Parallel()
	fromCache := func(v imagepull.Verdict) imagepull.Verdict {
		v.Origin, v.Age = imagepull.OriginCache, 3*time.Second
		return v
	}
	unreadable := []credentials.Problem{{Subject: "pull secret", Detail: "timed out"}}
	tests := map[string]struct {
		set       credentials.Set
		says      imagepull.Verdict
		unmounted bool
		want      imagepull.Reason
	}{
		"works":                       {says: works, want: imagepull.ReasonPullable},
		"refused":                     {says: private, want: imagepull.ReasonAccessDenied},
		"refused, for want of secret": {set: credentials.Set{Unreadable: unreadable}, says: private, want: imagepull.ReasonNodeCredentials},
		"excused":                     {says: absent, unmounted: true, want: imagepull.ReasonNotChecked},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(image)
			p.Uses[0].Unmounted = tt.unmounted
			got := preflight.New(preflight.Options{
				Resolver:    &registry{script: map[string]imagepull.Verdict{image: fromCache(tt.says)}},
				Credentials: &secrets{set: tt.set},
			}).Check(t.Context(), p, nil)
			if got[0].Reason != tt.want || got[0].Provenance() != "cache 3s" {
				t.Errorf("got %s from %s, want %s from cache 3s", got[0].Reason, got[0].Provenance(), tt.want)
			}
		})
	}
}

// TestNamespacesAreTenants: what one asks leaves room for the other.
func TestNamespacesAreTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		busy := resolverFunc(func(_ context.Context, ref imagepull.Reference, _ imagepull.Credential) imagepull.Verdict {
			if ref.Domain == "busy.example" {
				<-release
			}
			return works
		})
		resolver, err := resolve.New(busy, resolve.Options{
			MaxEntries: 1, Limiter: resolve.NewLimiter(2, 100), Breaker: resolve.NewBreaker(resolve.Backoff{}, clock.RealClock{}),
			Timeout: time.Hour, Clock: clock.RealClock{},
		})
		if err != nil {
			t.Fatal(err)
		}
		checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}})
		done := make(chan struct{})
		go func() {
			defer close(done)
			checker.Check(t.Context(), pod("busy.example/a:1", "busy.example/b:1", "busy.example/c:1"), nil)
		}()
		synctest.Wait()
		other := pod(image)
		other.Namespace = "depot"
		// It does not return if there is no room: nobody releases the others before.
		if got := reasons(checker.Check(t.Context(), other, nil)); got[0] != imagepull.ReasonPullable {
			t.Errorf("reasons = %v, want Pullable", got)
		}
		close(release)
		<-done
	})
}
