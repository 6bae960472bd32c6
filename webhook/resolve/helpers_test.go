package resolve

import (
	"cmp"
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The credentials of the tests. A registry cannot distinguish alice and aliceElsewhere.
var (
	alice          = imagepull.Credential{Username: "alice", Password: "a", Source: "secret/shop/alice"}
	bob            = imagepull.Credential{Username: "bob", Password: "b", Source: "secret/shop/bob"}
	anonymous      = imagepull.Credential{}
	aliceElsewhere = imagepull.Credential{Username: "alice", Password: "a", Source: "secret/depot/regcred"}
)

// The verdicts of the tests.
var (
	pullable    = imagepull.Verdict{Reason: imagepull.ReasonPullable}
	notFound    = imagepull.Verdict{Reason: imagepull.ReasonNotFound}
	unsupported = imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage}
	denied      = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied}
	loginFailed = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, LoginFailed: true}
	rateLimited = imagepull.Verdict{Reason: imagepull.ReasonRateLimited, RetryAfter: time.Second}
	transient   = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Transient: true}
	redirected  = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Transient: true, Redirected: true}
	forbidden   = imagepull.Verdict{Reason: imagepull.ReasonEgressForbidden}
	// lasting is a failure that a retry does not overcome, and no evidence against the registry as a whole.
	lasting = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "the registry returned 418"}
	// tooLarge is the verdict on an image that is too large to check in time.
	tooLarge = imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded, Detail: "too many layers"}
)

func withRetryAfter(v imagepull.Verdict, d time.Duration) imagepull.Verdict {
	v.RetryAfter = d
	return v
}

func withOrigin(v imagepull.Verdict, origin imagepull.Origin) imagepull.Verdict {
	v.Origin = origin
	return v
}

// tag returns a reference into the registry of the tests.
func tag(name string) imagepull.Reference {
	return imagepull.Reference{Domain: "registry.example", Path: "shop/web", Tag: name}
}

func digest(sum string) imagepull.Reference {
	return imagepull.Reference{Domain: "registry.example", Path: "shop/web", Digest: "sha256:" + sum}
}

// otherTag returns a reference into another registry.
func otherTag(name string) imagepull.Reference {
	return imagepull.Reference{Domain: "other.example", Path: "shop/web", Tag: name}
}

// registryFunc is a function as a Registry.
type registryFunc func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict

func (f registryFunc) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return f(ctx, ref, cred)
}

// fakeRegistry returns one verdict for all references and counts the requests. It is safe for concurrent use.
type fakeRegistry struct {
	mu       sync.Mutex
	verdict  imagepull.Verdict
	requests int
}

func (f *fakeRegistry) Resolve(_ context.Context, _ imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	v := f.verdict
	if v.Reason == imagepull.ReasonAccessDenied {
		v = cred.Refused()
		v.LoginFailed = f.verdict.LoginFailed
	}
	v.Credential, v.Origin = cred.Source, cmp.Or(f.verdict.Origin, imagepull.OriginRegistry)
	return v
}

// blockingRegistry is a fakeRegistry whose responses wait until release is closed. Without a channel they do not wait.
type blockingRegistry struct {
	fakeRegistry
	release chan struct{}
}

func (b *blockingRegistry) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	v := b.fakeRegistry.Resolve(ctx, ref, cred)
	if b.release != nil {
		<-b.release
	}
	return v
}

// slowRegistry is a fakeRegistry whose responses take some time, unless the context ends before.
type slowRegistry struct {
	fakeRegistry
	takes time.Duration
}

func (s *slowRegistry) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	v := s.fakeRegistry.Resolve(ctx, ref, cred)
	select {
	case <-time.After(s.takes):
		return v
	case <-ctx.Done():
		return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded, Credential: cred.Source, Origin: imagepull.OriginRegistry}
	}
}

// notifyingRegistry sends to responses after each response.
type notifyingRegistry struct {
	Registry
	responses chan struct{}
}

func (n notifyingRegistry) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	defer func() { n.responses <- struct{}{} }()
	return n.Registry.Resolve(ctx, ref, cred)
}

// scriptedRegistry returns its verdicts in order, and then the last one for ever.
type scriptedRegistry struct {
	verdicts []imagepull.Verdict
	requests int
}

func (s *scriptedRegistry) Resolve(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
	return s.send()
}

func (s *scriptedRegistry) send() imagepull.Verdict {
	v := s.verdicts[min(s.requests, len(s.verdicts)-1)]
	s.requests++
	return v
}

// newFakeClock returns a clock whose time is before all deadlines of contexts.
func newFakeClock() *clocktesting.FakeClock { return clocktesting.NewFakeClock(time.Unix(9e8, 0)) }

// steppingClock skips every wait, and adds up the waits.
type steppingClock struct {
	*clocktesting.FakeClock
	slept time.Duration
}

func (c *steppingClock) NewTimer(d time.Duration) clock.Timer {
	timer := c.FakeClock.NewTimer(d)
	c.slept += d
	c.Step(d)
	return timer
}

const checkTimeout = 10 * time.Second

func testTTLs() TTLs {
	return TTLs{Tag: time.Minute, Digest: 10 * time.Minute, NotFound: time.Second, Denied: 2 * time.Second}
}

func testBackoff() Backoff {
	return Backoff{InitialDelay: 10 * time.Second, Factor: 2, MaxDelay: 5 * time.Minute}
}

// neutral returns Options that pass on all requests. Each test replaces the policies that it tests.
func neutral(c clock.Clock) Options {
	return Options{
		MaxEntries: 100, MaxBytes: 1 << 20,
		Limiter: NewLimiter(1000, 1000), Breaker: NewBreaker(Backoff{}, c),
		Timeout: checkTimeout, Clock: c,
	}
}

func cacheOnly(c clock.Clock) Options {
	o := neutral(c)
	o.TTLs = testTTLs()
	return o
}

func backoffOnly(c clock.Clock) Options {
	o := neutral(c)
	o.Backoff = testBackoff()
	return o
}

func breakerOnly(c clock.Clock) Options {
	o := neutral(c)
	o.Breaker = NewBreaker(testBackoff(), c)
	return o
}

// allPolicies returns Options with all policies, as the command has.
func allPolicies(c clock.Clock) Options {
	o := cacheOnly(c)
	o.Backoff, o.Breaker = testBackoff(), NewBreaker(testBackoff(), c)
	o.Limiter = NewLimiter(16, 8)
	o.Retry = Retry{InitialDelay: time.Millisecond, Factor: 1, MaxAttempts: 2}
	return o
}

func newResolver(t testing.TB, registry Registry, o Options) *Resolver {
	t.Helper()
	r, err := New(registry, o)
	if err != nil {
		t.Fatalf("New() error = %v, want none", err)
	}
	return r
}

// backingOff returns the number of registries that get no requests.
func backingOff(r *Resolver) int {
	domains := make(map[string]bool)
	r.AddBackingOff(domains)
	return len(domains)
}

// step is one check of a namespace, at a time after the previous one, with the registry's verdict.
type step struct {
	after   time.Duration
	ns      string
	ref     imagepull.Reference
	cred    imagepull.Credential
	verdict imagepull.Verdict
	// want is reason and provenance, such as "Pullable cache 12s".
	want string
}

// runSteps makes the checks in order and compares their verdicts.
func runSteps(t *testing.T, steps []step, options func(clock.Clock) Options) {
	t.Helper()
	registry, clock := &fakeRegistry{}, newFakeClock()
	r := newResolver(t, registry, options(clock))
	for i, step := range steps {
		clock.Step(step.after)
		registry.verdict = step.verdict
		v := r.Resolve(WithNamespace(t.Context(), step.ns), step.ref, step.cred)
		if got := string(v.Reason) + " " + v.Provenance(); got != step.want {
			t.Errorf("step %d: got %s, want %s", i, got, step.want)
		}
		if v.Credential != step.cred.Source {
			t.Errorf("step %d: the verdict is for %q, want %q", i, v.Credential, step.cred.Source)
		}
	}
}
