package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestWithoutAsking: some verdicts need neither a registry nor a secret.
func TestWithoutAsking(t *testing.T) {
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
	badName := imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: pod("Foo").Uses[0].ParseError}
	cached := imagepull.Verdict{Reason: imagepull.ReasonNodeCache, Detail: "with imagePullPolicy Never the image must be on the node already"}
	skipped := imagepull.Verdict{Reason: imagepull.ReasonNotChecked, Detail: "registry is listed in skipRegistries"}
	tests := map[string]struct {
		use  imagepull.Use
		skip []string
		want imagepull.Verdict
	}{
		"bad name":                       {pod("Foo").Uses[0], nil, badName},
		"bad name with Never":            {never("Foo"), nil, badName},
		"bad name where all are skipped": {pod("Foo").Uses[0], []string{"*"}, badName},
		"Never":                          {never(image), nil, cached},
		"skipped":                        {pod(image).Uses[0], []string{"other.example", host}, skipped},
		"skipped, with a port":           {pod("registry.example:5000/web").Uses[0], []string{host}, skipped},
		"skipped, by wildcard":           {pod(image).Uses[0], []string{"*.example"}, skipped},
		"skipped with Never":             {never(image), []string{host}, skipped},
		"bad name of an unmounted volume": {unmounted("Foo"), nil, imagepull.Verdict{
			Reason: imagepull.ReasonNotChecked,
			Detail: "no container mounts the volume",
			Warnings: []imagepull.Warning{{
				Reason:  imagepull.WarningUnmountedImageVolume,
				Message: "no container mounts the volume, whose image cannot be pulled: " + badName.Detail,
			}},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver, creds := &registry{}, &secrets{}
			checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: creds, SkipRegistries: hosts(t, test.skip...)})
			got := checker.Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{test.use}}, nil)
			if diff := cmp.Diff([]imagepull.Finding{{Use: test.use, Verdict: test.want}}, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if asked := append(resolver.questions(), creds.asked...); len(asked) > 0 {
				t.Errorf("asked %q, want nothing asked", asked)
			}
		})
	}
}

// TestMaxUses: the rest is a doubt, except for names that need no asking.
func TestMaxUses(t *testing.T) {
	t.Parallel()
	images := []string{"registry.example/a:1", "registry.example/b:1", "registry.example/c:1", "Foo"}
	tests := map[string]struct {
		limit int
		want  []imagepull.Reason
	}{
		"below the images": {2, []imagepull.Reason{
			imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonDeadlineExceeded, imagepull.ReasonInvalidImageName,
		}},
		"at the images": {3, []imagepull.Reason{
			imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonInvalidImageName,
		}},
		"none": {0, []imagepull.Reason{
			imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonPullable, imagepull.ReasonInvalidImageName,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := map[string]imagepull.Verdict{images[0]: works, images[1]: works, images[2]: works}
			checker := preflight.New(preflight.Options{Resolver: &registry{script: script}, Credentials: &secrets{}, MaxUses: test.limit})
			if diff := cmp.Diff(test.want, reasons(checker.Check(t.Context(), pod(images...), nil))); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// TestImagesBeyondTheLimit are not looked for on the nodes either.
func TestImagesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	p := pod(image, image)
	p.Uses[0].PullPolicy, p.Uses[1].PullPolicy = imagepull.PullNever, imagepull.PullNever
	checker := preflight.New(preflight.Options{Nodes: holders(t)["loaded"], MaxUses: 1})
	want := []imagepull.Reason{imagepull.ReasonPresentOnNode, imagepull.ReasonDeadlineExceeded}
	if diff := cmp.Diff(want, reasons(checker.Check(t.Context(), p, nil))); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

// Which registry a short name means on CRI-O is in a file that only nodes have, so that nothing is asked.
func TestShortNamesOnCRIO(t *testing.T) {
	t.Parallel()
	const fix = "name the registry, such as docker.io/library/nginx"
	tests := map[string]struct {
		image   string
		runtime imagepull.Runtime
		policy  imagepull.PullPolicy
		skip    []string
		told    string // by the node
		want    imagepull.Reason
		fix     string
	}{
		"short":                     {image: "nginx", runtime: imagepull.RuntimeCRIO, want: imagepull.ReasonNodeLocalRegistry, fix: fix},
		"short, policy Never":       {image: "nginx", runtime: imagepull.RuntimeCRIO, policy: imagepull.PullNever, want: imagepull.ReasonNodeLocalRegistry, fix: fix},
		"short, and skipped":        {image: "nginx", runtime: imagepull.RuntimeCRIO, skip: []string{"docker.io"}, want: imagepull.ReasonNotChecked},
		"in full":                   {image: "docker.io/library/nginx:latest", runtime: imagepull.RuntimeCRIO, want: imagepull.ReasonNotFound},
		"short, and no name at all": {image: "Nginx", runtime: imagepull.RuntimeCRIO, want: imagepull.ReasonInvalidImageName},
		"short, on containerd":      {image: "nginx", runtime: imagepull.RuntimeContainerd, want: imagepull.ReasonNotFound},
		"short, by default":         {image: "nginx", want: imagepull.ReasonNotFound},
		"short, a node tells CRI-O": {image: "nginx", told: "cri-o://1.37.0", want: imagepull.ReasonNodeLocalRegistry, fix: fix},
		"short, it tells another":   {image: "nginx", told: "containerd://2.4.2", want: imagepull.ReasonNotFound},
		"in full, and CRI-O":        {image: "docker.io/library/nginx:latest", told: "cri-o://1.37.0", want: imagepull.ReasonNotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &registry{script: map[string]imagepull.Verdict{
				"docker.io/library/nginx:latest": {Reason: imagepull.ReasonNotFound},
			}}
			p := pod(test.image)
			p.Uses[0].PullPolicy = test.policy
			o := preflight.Options{Resolver: resolver, Credentials: &secrets{}, Runtime: test.runtime, SkipRegistries: hosts(t, test.skip...)}
			if test.told != "" {
				n := machine("node", "amd64")
				n.Status.NodeInfo.ContainerRuntimeVersion = test.told
				o.Nodes = clusterOf(t, n)
			}
			got := preflight.New(o).Check(t.Context(), p, nil)[0]
			if got.Reason != test.want || got.Fix != test.fix {
				t.Errorf("got %s: %s (%s), want %s (%s)", got.Reason, got.Detail, got.Fix, test.want, test.fix)
			}
			if asked := len(resolver.questions()); (asked > 0) != (test.want == imagepull.ReasonNotFound) {
				t.Errorf("%d questions asked for %s", asked, test.want)
			}
		})
	}
}

func TestNever(t *testing.T) {
	t.Parallel()
	maybe := imagepull.Verdict{Reason: imagepull.ReasonNodeCache, Detail: "with imagePullPolicy Never the image must be on the node already"}
	want := map[string]imagepull.Verdict{
		"no node":      maybe,
		"not reported": maybe,
		"nowhere": {
			Reason: imagepull.ReasonNeverPresent,
			Detail: "no node that the pod can run on reports the image, which takes up to a minute after loading it",
		},
		"somewhere": {
			Reason: imagepull.ReasonNodeCache,
			Detail: "with imagePullPolicy Never the image must be on the node already, and only some nodes hold it",
		},
		"loaded": onNodes,
		"pulled": onNodes,
	}
	for holder, cluster := range holders(t) {
		resolver := &registry{}
		checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}, Nodes: cluster})
		got := checker.Check(t.Context(), withPolicy(imagepull.PullNever), nil)
		if diff := cmp.Diff(want[holder], got[0].Verdict); diff != "" {
			t.Errorf("%s: verdict (-want +got):\n%s", holder, diff)
		}
		if asked := resolver.questions(); len(asked) > 0 {
			t.Errorf("%s: asked %q, want nothing asked", holder, asked)
		}
	}
}
