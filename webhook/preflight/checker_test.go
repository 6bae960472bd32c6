package preflight_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestPodWithoutImages(t *testing.T) {
	t.Parallel()
	if got := preflight.New(preflight.Options{}).Check(t.Context(), imagepull.Pod{}, nil); len(got) != 0 {
		t.Errorf("findings = %v, want none", got)
	}
}

// The uses of an image may be many, and its spellings differ.
func TestEachImageIsLookedUpOnce(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	nginx := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: "sha256:9"}
	resolver := &scriptedResolver{script: map[string]imagepull.Verdict{
		image + " file/a":                           refused,
		image + " file/b":                           pullable,
		"docker.io/library/nginx:latest":            nginx,
		"docker.io/library/nginx" + digest:          nginx,
		"registry.example/shop/web:2 file/a":        absent,
		"registry.example/shop/web:2 file/b":        absent,
		"registry.example/shop/web" + digest + " x": pullable,
	}}
	checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{set: keys(t, host, "a", "b")}})
	p := pod("nginx", image, image, "docker.io/nginx:latest", "registry.example/shop/web:2", "nginx:1"+digest, "index.docker.io/library/nginx", image)
	got := checker.Check(t.Context(), p, nil)
	want := []imagepull.Reason{
		imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable,
		imagepull.ReasonNotFound, imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable,
	}
	if diff := cmp.Diff(want, reasons(got)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	for i, f := range got {
		if diff := cmp.Diff(p.Uses[i], f.Use); diff != "" {
			t.Errorf("use %d (-want +got):\n%s", i, diff)
		}
	}
	requested := []string{
		"docker.io/library/nginx:latest",
		"docker.io/library/nginx" + digest,
		image + " file/a",
		image + " file/b",
		"registry.example/shop/web:2 file/a",
		"registry.example/shop/web:2 file/b",
	}
	if diff := cmp.Diff(requested, resolver.requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// The uses share one request, and each has its own verdict.
func TestPullPoliciesOfOneImageDiffer(t *testing.T) {
	t.Parallel()
	p := pod(image, image, image)
	p.Uses[1].PullPolicy, p.Uses[2].PullPolicy = imagepull.PullIfNotPresent, imagepull.PullNever
	resolver := &scriptedResolver{script: map[string]imagepull.Verdict{image: absent}}
	checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}, Nodes: clusters(t)["some nodes"]})
	want := []imagepull.Reason{imagepull.ReasonNotFound, imagepull.ReasonNodeCache, imagepull.ReasonNodeCache}
	if diff := cmp.Diff(want, reasons(checker.Check(t.Context(), p, nil))); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if requested := resolver.requests(); len(requested) != 1 {
		t.Errorf("requests = %q, want one", requested)
	}
}

// The resolver limits requests by namespace, so that one namespace leaves room for the others.
func TestEveryRequestCarriesItsNamespace(t *testing.T) {
	t.Parallel()
	type namespaceKey struct{}
	var got sync.Map
	checker := preflight.New(preflight.Options{
		Resolver: resolverFunc(func(ctx context.Context, ref imagepull.Reference, _ imagepull.Credential) imagepull.Verdict {
			got.Store(ref.String(), ctx.Value(namespaceKey{}))
			return pullable
		}),
		Credentials: &secrets{},
		WithNamespace: func(ctx context.Context, namespace string) context.Context {
			return context.WithValue(ctx, namespaceKey{}, namespace)
		},
	})
	for image, namespace := range map[string]string{"registry.example/shop/web:1": "shop", "registry.example/depot/web:1": "depot"} {
		p := pod(image)
		p.Namespace = namespace
		if got := reasons(checker.Check(t.Context(), p, nil)); got[0] != imagepull.ReasonPullable {
			t.Errorf("reasons = %v, want Pullable", got)
		}
		if got, _ := got.Load(image); got != namespace {
			t.Errorf("the request for %s carries namespace %v, want %s", image, got, namespace)
		}
	}
}
