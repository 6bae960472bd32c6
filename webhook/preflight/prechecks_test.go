package preflight_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// These verdicts need no registry and no secret.
func TestPrechecksSendNoRequest(t *testing.T) {
	t.Parallel()
	never := func(image string) imagepull.Use {
		use := pod(image).Uses[0]
		use.PullPolicy = imagepull.PullNever
		return use
	}
	unmounted := func(image string) imagepull.Use {
		use := pod(image).Uses[0]
		use.Kind, use.Unmounted = imagepull.Volume, true
		return use
	}
	invalidName := imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: pod("Foo").Uses[0].ParseError}
	cached := imagepull.Verdict{Reason: imagepull.ReasonNodeCacheUnreported, Detail: "with imagePullPolicy Never the image must be on the node already"}
	skipped := imagepull.Verdict{Reason: imagepull.ReasonNotChecked, Detail: "registry is listed in skipRegistries"}
	tests := map[string]struct {
		use  imagepull.Use
		skip []string
		want imagepull.Verdict
	}{
		"invalid name":               {pod("Foo").Uses[0], nil, invalidName},
		"invalid name, policy Never": {never("Foo"), nil, invalidName},
		"invalid name, all skipped":  {pod("Foo").Uses[0], []string{"*"}, invalidName},
		"policy Never":               {never(image), nil, cached},
		"skipped":                    {pod(image).Uses[0], []string{"other.example", host}, skipped},
		"skipped, with a port":       {pod("registry.example:5000/web").Uses[0], []string{host}, skipped},
		"skipped, by wildcard":       {pod(image).Uses[0], []string{"*.example"}, skipped},
		"skipped, policy Never":      {never(image), []string{host}, skipped},
		"invalid name of an unmounted volume": {unmounted("Foo"), nil, imagepull.Verdict{
			Reason: imagepull.ReasonNotChecked,
			Detail: "no container mounts the volume",
			Warnings: []imagepull.Warning{{
				Reason:  imagepull.WarningUnmountedImageVolume,
				Message: "no container mounts the volume, whose image cannot be pulled: " + invalidName.Detail,
			}},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver, creds := &scriptedResolver{}, &secrets{}
			checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: creds, SkipRegistries: hosts(t, test.skip...)})
			got := checker.Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{test.use}}, nil)
			if diff := cmp.Diff([]imagepull.Finding{{Use: test.use, Verdict: test.want}}, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if requested := append(resolver.requests(), creds.reads...); len(requested) > 0 {
				t.Errorf("requests and reads = %q, want none", requested)
			}
		})
	}
}

// A repeated image costs nothing more and counts once. An invalid name is found beyond the limit, too.
func TestImagesBeyondTheLimitAreTooManyImages(t *testing.T) {
	t.Parallel()
	const a, b, c, invalid = "registry.example/a:1", "registry.example/b:1", "registry.example/c:1", "Foo"
	const yes, over, bad = imagepull.ReasonPullable, imagepull.ReasonTooManyImages, imagepull.ReasonInvalidImageName
	tests := map[string]struct {
		limit  int
		images []string
		want   []imagepull.Reason
	}{
		"fewer than the images":           {2, []string{a, b, c, invalid}, []imagepull.Reason{yes, yes, over, bad}},
		"as many as the images":           {3, []string{a, b, c, invalid}, []imagepull.Reason{yes, yes, yes, bad}},
		"no limit":                        {0, []string{a, b, c, invalid}, []imagepull.Reason{yes, yes, yes, bad}},
		"many uses of few images":         {2, []string{a, b, a, b, b}, []imagepull.Reason{yes, yes, yes, yes, yes}},
		"a repeated image beyond":         {1, []string{a, b, a, b}, []imagepull.Reason{yes, over, yes, over}},
		"invalid names do not count":      {1, []string{invalid, invalid, a, b}, []imagepull.Reason{bad, bad, yes, over}},
		"a repeated image before another": {2, []string{a, a, b, c}, []imagepull.Reason{yes, yes, yes, over}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := map[string]imagepull.Verdict{a: pullable, b: pullable, c: pullable}
			checker := preflight.New(preflight.Options{
				Resolver: &scriptedResolver{script: script}, Credentials: &secrets{}, MaxImages: test.limit,
			})
			findings := checker.Check(t.Context(), pod(test.images...), nil)
			if diff := cmp.Diff(test.want, reasons(findings)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			for _, f := range findings {
				if f.Reason == over && f.Detail != fmt.Sprintf("the object has more than %d different images (limits.usesPerObject)", test.limit) {
					t.Errorf("detail = %q", f.Detail)
				}
			}
		})
	}
}

func TestImagesBeyondTheLimitAreNotComparedWithNodes(t *testing.T) {
	t.Parallel()
	p := pod(image, "registry.example/other:1")
	p.Uses[0].PullPolicy, p.Uses[1].PullPolicy = imagepull.PullNever, imagepull.PullNever
	checker := preflight.New(preflight.Options{Nodes: clusters(t)["loaded"], MaxImages: 1})
	want := []imagepull.Reason{imagepull.ReasonPresentOnNode, imagepull.ReasonTooManyImages}
	if diff := cmp.Diff(want, reasons(checker.Check(t.Context(), p, nil))); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

// Only the nodes have the file that selects the registry.
func TestShortNameOnCRIOIsNodeLocalRegistry(t *testing.T) {
	t.Parallel()
	const fix = "name the registry, such as docker.io/library/nginx"
	tests := map[string]struct {
		image    string
		runtime  imagepull.Runtime
		policy   imagepull.PullPolicy
		skip     []string
		reported string // runtime of the node
		want     imagepull.Reason
		fix      string
	}{
		"short":                       {image: "nginx", runtime: imagepull.RuntimeCRIO, want: imagepull.ReasonNodeLocalRegistry, fix: fix},
		"short, policy Never":         {image: "nginx", runtime: imagepull.RuntimeCRIO, policy: imagepull.PullNever, want: imagepull.ReasonNodeLocalRegistry, fix: fix},
		"short, and skipped":          {image: "nginx", runtime: imagepull.RuntimeCRIO, skip: []string{"docker.io"}, want: imagepull.ReasonNotChecked},
		"full name":                   {image: "docker.io/library/nginx:latest", runtime: imagepull.RuntimeCRIO, want: imagepull.ReasonNotFound},
		"short, and invalid":          {image: "Nginx", runtime: imagepull.RuntimeCRIO, want: imagepull.ReasonInvalidImageName},
		"short, on containerd":        {image: "nginx", runtime: imagepull.RuntimeContainerd, want: imagepull.ReasonNotFound},
		"short, by default":           {image: "nginx", want: imagepull.ReasonNotFound},
		"short, a node has CRI-O":     {image: "nginx", reported: "cri-o://1.37.0", want: imagepull.ReasonNodeLocalRegistry, fix: fix},
		"short, it has containerd":    {image: "nginx", reported: "containerd://2.4.2", want: imagepull.ReasonNotFound},
		"full name, a node has CRI-O": {image: "docker.io/library/nginx:latest", reported: "cri-o://1.37.0", want: imagepull.ReasonNotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &scriptedResolver{script: map[string]imagepull.Verdict{
				"docker.io/library/nginx:latest": {Reason: imagepull.ReasonNotFound},
			}}
			p := pod(test.image)
			p.Uses[0].PullPolicy = test.policy
			o := preflight.Options{Resolver: resolver, Credentials: &secrets{}, Runtime: test.runtime, SkipRegistries: hosts(t, test.skip...)}
			if test.reported != "" {
				n := newNode("node", "amd64")
				n.Status.NodeInfo.ContainerRuntimeVersion = test.reported
				o.Nodes = newSnapshot(t, n)
			}
			got := preflight.New(o).Check(t.Context(), p, nil)[0]
			if got.Reason != test.want || got.Fix != test.fix {
				t.Errorf("got %s: %s (%s), want %s (%s)", got.Reason, got.Detail, got.Fix, test.want, test.fix)
			}
			if requested := len(resolver.requests()); (requested > 0) != (test.want == imagepull.ReasonNotFound) {
				t.Errorf("%d requests for %s", requested, test.want)
			}
		})
	}
}

func TestPolicyNeverSendsNoRequest(t *testing.T) {
	t.Parallel()
	maybe := imagepull.Verdict{Reason: imagepull.ReasonNodeCacheUnreported, Detail: "with imagePullPolicy Never the image must be on the node already"}
	neverPresent := imagepull.Verdict{
		Reason: imagepull.ReasonNeverPresent,
		Detail: "no node that the pod can run on reports the image, which takes up to a minute after loading it",
	}
	want := map[string]imagepull.Verdict{
		"no node":    maybe,
		"unreported": maybe,
		"absent":     neverPresent,
		"local":      neverPresent,
		"some nodes": {
			Reason: imagepull.ReasonNodeCache,
			Detail: "with imagePullPolicy Never the image must be on the node already, and only some nodes hold it",
		},
		"loaded": present,
		"pulled": {
			Reason: imagepull.ReasonNodeCache,
			Detail: "with imagePullPolicy Never a node may refuse the image, which it may have pulled with a credential of another pod",
		},
	}
	for presence, cluster := range clusters(t) {
		resolver := &scriptedResolver{}
		checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}, Nodes: cluster})
		got := checker.Check(t.Context(), withPolicy(imagepull.PullNever), nil)
		if diff := cmp.Diff(want[presence], got[0].Verdict); diff != "" {
			t.Errorf("%s: verdict (-want +got):\n%s", presence, diff)
		}
		if requested := resolver.requests(); len(requested) > 0 {
			t.Errorf("%s: requests = %q, want none", presence, requested)
		}
	}
}
