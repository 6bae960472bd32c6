package engine

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pullgate/pullgate/test/clock"
	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// replicaSetRetries returns the times at which a controller creates a denied pod in four minutes: its delay begins with five
// milliseconds and doubles (client-go: util/workqueue/default_rate_limiters.go).
func replicaSetRetries() []time.Duration {
	var times []time.Duration
	for at, delay := time.Duration(0), 5*time.Millisecond; at < 4*time.Minute; at, delay = at+delay, 2*delay {
		times = append(times, at)
	}
	return times
}

// every returns the times of checks at a fixed rate, for four minutes.
func every(period time.Duration) []time.Duration {
	var times []time.Duration
	for at := time.Duration(0); at < 4*time.Minute; at += period {
		times = append(times, at)
	}
	return times
}

// startStrict returns an engine for a registry that refuses the password of engineAccount, and a function that returns the number of
// refused sends since its last call.
func startStrict(t *testing.T, kind registry.Auth, c clock.Impatient) (*Engine, *registry.Server, func() int) {
	t.Helper()
	server, err := registry.Start(registry.Config{
		Auth:     kind,
		Accounts: []registry.Account{{Username: engineAccount.Username, Password: "another", Repositories: []string{"shop/*"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	cfg := config.Default()
	cfg.Egress.Allow = []string{server.Addr()}
	return newEngine(t, cfg, Options{Clock: c}), server, func() int {
		defer server.ResetRequests()
		return len(slices.DeleteFunc(server.Requests(), func(r registry.Request) bool {
			return r.Status != http.StatusUnauthorized || r.Path != "/token" && r.User == ""
		}))
	}
}

// deny returns the verdict of the engine as the webhook gets it.
func (e *Engine) deny(ctx context.Context, s *registry.Server, repository string) imagepull.Verdict {
	ref := imagepull.Reference{Domain: s.Addr(), Path: repository, Tag: "1"}
	v := e.images.Resolve(ctx, ref, engineAccount)
	if v.Outcome() == imagepull.Unpullable && !v.Confirmed {
		v = e.images.Confirm(ctx, ref, engineAccount)
	}
	return v
}

// A wrong password is sent ten times in thirty seconds at most, and a controller still gets a denial for each of its attempts.
func TestControllerWithAWrongPasswordIsAlwaysDenied(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind  registry.Auth
		times []time.Duration
	}{
		"basic, a ReplicaSet":          {registry.AuthBasic, replicaSetRetries()},
		"basic, every five seconds":    {registry.AuthBasic, every(5 * time.Second)},
		"bearer, a ReplicaSet":         {registry.AuthBearer, replicaSetRetries()},
		"bearer, every five seconds":   {registry.AuthBearer, every(5 * time.Second)},
		"bearer, every thirty seconds": {registry.AuthBearer, every(30 * time.Second)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wall := clock.NewImpatient()
			e, server, sends := startStrict(t, test.kind, wall)
			var sent []time.Duration // the times of all sends
			now := time.Duration(0)
			for _, at := range test.times {
				wall.Step(at - now)
				now = at
				v := e.deny(t.Context(), server, "shop/web")
				if v.Reason != imagepull.ReasonAccessDenied || !v.Confirmed {
					t.Errorf("after %v: %s: %s, confirmed = %t; want a confirmed AccessDenied", at, v.Reason, v.Detail, v.Confirmed)
				}
				sent = append(sent, slices.Repeat([]time.Duration{at}, sends())...)
			}
			for i := 10; i < len(sent); i++ {
				if sent[i]-sent[i-10] < 30*time.Second {
					t.Errorf("more than ten sends between %v and %v", sent[i-10], sent[i])
				}
			}
			if len(sent) < 10 {
				t.Errorf("%d sends, want more", len(sent))
			}
		})
	}
}

// Images of several namespaces with the same credential share the bound.
func TestWrongPasswordOfManyImages(t *testing.T) {
	t.Parallel()
	for _, kind := range []registry.Auth{registry.AuthBasic, registry.AuthBearer} {
		wall := clock.NewImpatient()
		e, server, sends := startStrict(t, kind, wall)
		denied, total := 0, 0
		for round := range 4 {
			for _, repository := range []string{"shop/a", "shop/b", "shop/c", "shop/d"} {
				ctx := resolve.WithNamespace(t.Context(), []string{"shop", "depot"}[round%2])
				switch v := e.deny(ctx, server, repository); {
				case v.Confirmed:
					denied++
				case v.Reason != imagepull.ReasonRegistryUnavailable || v.Origin != imagepull.OriginBackoff:
					t.Errorf("%s from %s, want RegistryUnavailable from the backoff", v.Reason, v.Provenance())
				}
			}
			total += sends()
			wall.Step(5 * time.Second)
		}
		if denied < 3 || total > 10 {
			t.Errorf("%v: %d denials with %d sends in 20 s, want 3 at least, and 10 at most", kind, denied, total)
		}
	}
}
