package preflight_test

import (
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

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

// The nodes' runtime decides about platforms, too.
func TestPlatformsOnCRIO(t *testing.T) {
	t.Parallel()
	v1 := imagepull.Verdict{
		Reason: imagepull.ReasonPullable, IsIndex: true, Platforms: []imagepull.Platform{platform("linux", "amd64", "v1")},
	}
	for runtime, want := range map[imagepull.Runtime]imagepull.Reason{
		imagepull.RuntimeContainerd: imagepull.ReasonPullable,
		imagepull.RuntimeCRIO:       imagepull.ReasonPlatformMismatch,
	} {
		got := check(t, preflight.Options{
			Resolver: &registry{script: map[string]imagepull.Verdict{image: v1}}, Credentials: &secrets{}, Runtime: runtime,
			Nodes: nodes.Declared{platform("linux", "amd64", "")},
		}, image)
		if got.Reason != want {
			t.Errorf("on %s: got %s, want %s", runtime, got.Reason, want)
		}
	}
}
