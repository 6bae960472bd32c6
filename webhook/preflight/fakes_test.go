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

// image is what most tests ask for.
const image = "registry.example/shop/web:1"

// registry is a Resolver that answers from a script. It is safe for concurrent use.
type registry struct {
	// script maps a reference, or a reference and the source of a credential with a space between, to a verdict.
	script map[string]imagepull.Verdict

	mu    sync.Mutex
	asked []string
}

// Resolve answers as a registry client does: with the source of the credential in the verdict, and with doubt once the
// time is over.
func (r *registry) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	question := strings.TrimSpace(ref.String() + " " + cred.Source)
	r.mu.Lock()
	r.asked = append(r.asked, question)
	r.mu.Unlock()
	v, ok := r.script[question]
	if !ok {
		v, ok = r.script[ref.String()]
	}
	if !ok || ctx.Err() != nil {
		v = imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}
	}
	v.Credential = cred.Source
	return v
}

// questions returns what was asked, in an order that does not depend on chance.
func (r *registry) questions() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.asked))
}

// resolverFunc is a function as a Resolver.
type resolverFunc func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict

func (f resolverFunc) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return f(ctx, ref, cred)
}

// secrets are Credentials with one set for what is remembered and one for what is read anew.
type secrets struct {
	set, fresh credentials.Set

	mu    sync.Mutex
	asked []string
}

func (s *secrets) Credentials(_ context.Context, pod imagepull.Pod) credentials.Set {
	return s.get(pod, false)
}

func (s *secrets) FreshCredentials(_ context.Context, pod imagepull.Pod) credentials.Set {
	return s.get(pod, true)
}

func (s *secrets) get(pod imagepull.Pod, fresh bool) credentials.Set {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprintf("%s fresh=%t", pod.Namespace, fresh))
	if fresh {
		return s.fresh
	}
	return s.set
}

// keys returns the set of a pod with one pull secret for each name, which all open the same registry. The sources of
// their credentials are "file/" and the name.
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

// hosts are patterns of them.
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

// check runs a Checker with the given parts over a pod with one image.
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
