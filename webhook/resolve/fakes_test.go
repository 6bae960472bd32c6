package resolve_test

import (
	"cmp"
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The credentials of the tests. The last shows a registry the same as the first, from another place.
var (
	alice      = imagepull.Credential{Username: "alice", Password: "a", Source: "secret/shop/alice"}
	bob        = imagepull.Credential{Username: "bob", Password: "b", Source: "secret/shop/bob"}
	nobody     = imagepull.Credential{}
	aliceAgain = imagepull.Credential{Username: "alice", Password: "a", Source: "secret/depot/regcred"}
)

// tag returns a reference into the registry of the tests.
func tag(name string) imagepull.Reference {
	return imagepull.Reference{Domain: "registry.example", Path: "shop/web", Tag: name}
}

func digested(sum string) imagepull.Reference {
	return imagepull.Reference{Domain: "registry.example", Path: "shop/web", Digest: "sha256:" + sum}
}

// resolverFunc is a function as a Resolver.
type resolverFunc func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict

func (f resolverFunc) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return f(ctx, ref, cred)
}

// site is a registry that says the same to everyone until told otherwise. It is safe for concurrent use.
type site struct {
	mu    sync.Mutex
	says  imagepull.Verdict
	asked int
}

func (s *site) Resolve(_ context.Context, _ imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	v := s.says
	if v.Reason == imagepull.ReasonAccessDenied {
		v = cred.Refused()
		v.LoginFailed = s.says.LoginFailed
	}
	v.Credential, v.Origin = cred.Source, cmp.Or(s.says.Origin, imagepull.OriginRegistry)
	return v
}

// held is a site that keeps everybody waiting until it is released; without a channel it doesn't.
type held struct {
	site
	release chan struct{}
}

func (h *held) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	v := h.site.Resolve(ctx, ref, cred)
	if h.release != nil {
		<-h.release
	}
	return v
}

// step is one question at a time after the one before, to a registry that would say something.
type step struct {
	after time.Duration
	ref   imagepull.Reference
	cred  imagepull.Credential
	says  imagepull.Verdict
	// want is reason and provenance, such as "Pullable cache 12s".
	want string
}

// play asks all questions of what decorate makes of a registry, and compares the answers.
func play(t *testing.T, steps []step, decorate func(resolve.Resolver, *clocktesting.FakeClock) resolve.Resolver) {
	t.Helper()
	s, clock := &site{}, clocktesting.NewFakeClock(time.Unix(1e9, 0))
	r := decorate(s, clock)
	for i, step := range steps {
		clock.Step(step.after)
		s.says = step.says
		v := r.Resolve(t.Context(), step.ref, step.cred)
		if got := string(v.Reason) + " " + v.Provenance(); got != step.want {
			t.Errorf("question %d: got %s, want %s", i, got, step.want)
		}
		if v.Credential != step.cred.Source {
			t.Errorf("question %d: the verdict is for %q, want %q", i, v.Credential, step.cred.Source)
		}
	}
}
