package preflight_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// image is what most tests ask for.
const image = "registry.example/shop/web:1"

const host = "registry.example"

// What a registry says.
var (
	works       = imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: "sha256:1"}
	private     = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: "private"}
	refused     = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: "refused", Fix: "renew it"}
	absent      = imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found"}
	schema1     = imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage, Detail: "schema 1"}
	busy        = imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Detail: "busy"}
	unavailable = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "it answered 503"}
)

// imageDigest is a name that a node has for the image when it has pulled it.
const imageDigest = "registry.example/shop/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// fates of an image that nodes may hold already.
var (
	onNodes = imagepull.Verdict{Reason: imagepull.ReasonPresentOnNode, Detail: "every node that the pod can run on holds the image"}

	absentHere = imagepull.Verdict{
		Reason: imagepull.ReasonNodeCache, Detail: "tag not found, but some nodes hold the image", Fix: "push the image or correct its name",
	}
	absentMaybe = imagepull.Verdict{
		Reason: imagepull.ReasonNodeCache, Detail: "tag not found, but a node may hold the image without reporting it", Fix: "push the image or correct its name",
	}
)

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

// answers is a script for the image of most tests, by the source of the credential.
func answers(bySource map[string]imagepull.Verdict) map[string]imagepull.Verdict {
	script := make(map[string]imagepull.Verdict, len(bySource))
	for source, v := range bySource {
		question := image
		if source != "" {
			question += " " + source
		}
		script[question] = v
	}
	return script
}

// from returns the verdict as it comes with a credential of the source.
func from(source string, v imagepull.Verdict) imagepull.Verdict {
	v.Credential = source
	return v
}

// secrets are Credentials with one set for what is remembered and one for what is read anew.
type secrets struct {
	set, fresh credentials.Set

	mu    sync.Mutex
	asked []string
}

func (s *secrets) Credentials(_ context.Context, pod imagepull.Pod, fresh bool) credentials.Set {
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
	var files credentials.Files
	for _, name := range names {
		files = append(files, key(t, name, fmt.Sprintf(`{"auths": {%q: {"username": %q, "password": "x"}}}`, host, name)))
	}
	return files.Credentials(t.Context(), imagepull.Pod{}, false)
}

func key(t *testing.T, name, dockerConfig string) credentials.File {
	t.Helper()
	file, err := credentials.ParseFile([]byte(dockerConfig), name)
	if err != nil {
		t.Fatalf("ParseFile() error = %v, want none", err)
	}
	return file
}

// nodeFile is the nodes' config.json, readable once or for ever.
type nodeFile struct {
	text string
	once bool
	read bool
}

func (f *nodeFile) open() ([]byte, error) {
	if f.once && f.read {
		return nil, errors.New("gone")
	}
	f.read = true
	return []byte(f.text), nil
}

func onNode(t *testing.T, pods credentials.Pods, file *nodeFile) credentials.Node {
	t.Helper()
	config, err := credentials.NewConfig(file.open, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("NewConfig() error = %v, want none", err)
	}
	return credentials.Node{Pods: pods, Config: config}
}

// machines are the Node objects of a cluster.
type machines []corev1.Node

func (m machines) List(context.Context, metav1.ListOptions) (*corev1.NodeList, error) {
	return &corev1.NodeList{Items: m}, nil
}

func (machines) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return watch.NewFake(), nil
}

// machine returns a node that holds one image by its names, and the pause image that every node holds.
func machine(name, architecture string, names ...string) corev1.Node {
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:   name,
			Labels: map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: architecture},
		},
		Status: corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: []string{"registry.k8s.io/pause:3.10"}}, {Names: names}}},
	}
}

// unreported returns a node that has not said yet what it holds.
func unreported(name string) corev1.Node {
	n := machine(name, "amd64")
	n.Status.Images = nil
	return n
}

func clusterOf(t *testing.T, all ...corev1.Node) *nodes.Snapshot {
	t.Helper()
	snapshot, err := nodes.List(t.Context(), machines(all), nil)
	if err != nil {
		t.Fatalf("List() = %v", err)
	}
	return snapshot
}

// holders are clusters by how they hold the image.
func holders(t *testing.T) map[string]*nodes.Snapshot {
	t.Helper()
	without, loaded, pulled := machine("a", "amd64"), machine("b", "amd64", image), machine("c", "amd64", imageDigest, image)
	return map[string]*nodes.Snapshot{
		"no node":      clusterOf(t),
		"not reported": clusterOf(t, without, unreported("d")),
		"nowhere":      clusterOf(t, without, without),
		"somewhere":    clusterOf(t, without, loaded),
		"loaded":       clusterOf(t, loaded, loaded),
		"pulled":       clusterOf(t, loaded, pulled),
	}
}

func platform(os, architecture, variant string) imagepull.Platform {
	return imagepull.Platform{OS: os, Architecture: architecture, Variant: variant}
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

// withPolicy returns a pod with one image.
func withPolicy(policy imagepull.PullPolicy) imagepull.Pod {
	p := pod(image)
	p.Uses[0].PullPolicy = policy
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
