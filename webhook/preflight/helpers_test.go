package preflight_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/pullgate/pullgate/webhook/credentials"
	pullsecrets "github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// image is the image of most tests, and host its registry.
const (
	image = "registry.example/shop/web:1"
	host  = "registry.example"
)

// Verdicts of a registry.
var (
	pullable    = imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: "sha256:1"}
	private     = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: "private"}
	refused     = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: "refused", Fix: "renew it"}
	absent      = imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found"}
	schema1     = imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage, Detail: "schema 1"}
	rateLimited = imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Detail: "busy"}
	unavailable = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "it returned 503"}
)

// scriptedResolver is a Resolver that returns scripted verdicts. It is safe for concurrent use.
type scriptedResolver struct {
	// script maps a reference, or a reference and the source of a credential with a space between, to a verdict.
	script map[string]imagepull.Verdict

	mu        sync.Mutex
	requested []string
}

// Resolve returns the scripted verdict with the source of the credential, as a registry client does. After the deadline the
// verdict is DeadlineExceeded.
func (r *scriptedResolver) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	request := strings.TrimSpace(ref.String() + " " + cred.Source)
	r.mu.Lock()
	r.requested = append(r.requested, request)
	r.mu.Unlock()
	v, ok := r.script[request]
	if !ok {
		v, ok = r.script[ref.String()]
	}
	if !ok || ctx.Err() != nil {
		v = imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}
	}
	v.Credential = cred.Source
	return v
}

// Confirm returns the scripted verdict, confirmed. No test of a scripted verdict is about the second request.
func (r *scriptedResolver) Confirm(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	v := r.Resolve(ctx, ref, cred)
	v.Confirmed = true
	return v
}

// requests returns the requests in alphabetical order.
func (r *scriptedResolver) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.requested))
}

// resolverFunc adapts a function to a Resolver.
type resolverFunc func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict

func (f resolverFunc) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return f(ctx, ref, cred)
}

// Confirm calls the function too.
func (f resolverFunc) Confirm(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	v := f(ctx, ref, cred)
	v.Confirmed = true
	return v
}

// script returns a script for the image of most tests, by the source of the credential.
func script(bySource map[string]imagepull.Verdict) map[string]imagepull.Verdict {
	script := make(map[string]imagepull.Verdict, len(bySource))
	for source, v := range bySource {
		request := image
		if source != "" {
			request += " " + source
		}
		script[request] = v
	}
	return script
}

// withSource returns the verdict with the source of its credential.
func withSource(source string, v imagepull.Verdict) imagepull.Verdict {
	v.Credential = source
	return v
}

// secrets are Credentials with one set for cached reads and one for fresh reads.
type secrets struct {
	set, fresh credentials.Set

	mu    sync.Mutex
	reads []string
}

func (s *secrets) Credentials(_ context.Context, pod imagepull.Pod) credentials.Set {
	return s.read(pod, false)
}

func (s *secrets) FreshCredentials(_ context.Context, pod imagepull.Pod) credentials.Set {
	return s.read(pod, true)
}

func (s *secrets) read(pod imagepull.Pod, fresh bool) credentials.Set {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = append(s.reads, fmt.Sprintf("%s fresh=%t", pod.Namespace, fresh))
	if fresh {
		return s.fresh
	}
	return s.set
}

// keys returns the set of a pod with one pull secret for each name, all for the same registry. The sources of their
// credentials are "file/" and the name.
func keys(t *testing.T, host string, names ...string) credentials.Set {
	t.Helper()
	var files pullsecrets.Files
	for _, name := range names {
		files = append(files, key(t, name, fmt.Sprintf(`{"auths": {%q: {"username": %q, "password": "x"}}}`, host, name)))
	}
	return files.Credentials(t.Context(), imagepull.Pod{})
}

func key(t *testing.T, name, dockerConfig string) pullsecrets.File {
	t.Helper()
	file, err := pullsecrets.ParseFile([]byte(dockerConfig), name)
	if err != nil {
		t.Fatalf("ParseFile() error = %v, want none", err)
	}
	return file
}

// hosts parses host patterns.
func hosts(t *testing.T, patterns ...string) hostpattern.List {
	t.Helper()
	list, err := hostpattern.ParseHosts(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// pod returns a pod with a container for each image.
func pod(images ...string) imagepull.Pod {
	p := imagepull.Pod{Namespace: "shop"}
	for i, image := range images {
		use := podspec.Image(image)
		use.Kind, use.Name, use.Path = imagepull.Container, fmt.Sprintf("c%d", i), fmt.Sprintf("spec.containers[%d].image", i)
		p.Uses = append(p.Uses, use)
	}
	return p
}

// check returns the verdict of a Checker on a pod with one image.
func check(t *testing.T, o preflight.Options, image string) imagepull.Verdict {
	t.Helper()
	findings := preflight.New(o).Check(t.Context(), pod(image), nil)
	if len(findings) != 1 {
		t.Fatalf("Check() returned %d findings, want 1", len(findings))
	}
	return findings[0].Verdict
}

func reasons(findings []imagepull.Finding) []imagepull.Reason {
	var all []imagepull.Reason
	for _, f := range findings {
		all = append(all, f.Reason)
	}
	return all
}

// checkSecrets returns the verdict on an image of a pod with these problems of its secrets and these keys, and the requests.
func checkSecrets(
	t *testing.T, problems credentials.Set, names []string, response imagepull.Verdict,
) (imagepull.Verdict, []string) {
	t.Helper()
	problems.Keyring = keys(t, host, names...).Keyring
	resolver := &scriptedResolver{script: map[string]imagepull.Verdict{image: response}}
	v := check(t, preflight.Options{Resolver: resolver, Credentials: &secrets{set: problems}}, image)
	return v, resolver.requests()
}
