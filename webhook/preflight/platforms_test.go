package preflight_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func TestIndexIsComparedWithDeclaredPlatforms(t *testing.T) {
	t.Parallel()
	var (
		amd64   = platform("linux", "amd64", "")
		arm64   = platform("linux", "arm64", "")
		armV7   = platform("linux", "arm", "v7")
		unknown = platform("unknown", "unknown", "")
		many    []imagepull.Platform
		wanting = platform("linux", "amd64", "")
	)
	wanting.OSFeatures = []string{"a", "b"}
	for i := range 9 {
		many = append(many, platform("linux", fmt.Sprintf("arch%d", i), ""))
	}
	type list = []imagepull.Platform
	tests := map[string]struct {
		offered, declared list
		reason            imagepull.Reason
		detail            string
	}{
		"served":         {list{amd64, arm64}, list{amd64}, imagepull.ReasonPullable, ""},
		"all are served": {list{amd64, arm64}, list{amd64, arm64}, imagepull.ReasonPullable, ""},
		"unknown nodes":  {list{arm64}, nil, imagepull.ReasonPullable, ""},
		"mismatch": {
			list{arm64, armV7}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, linux/arm/v7, the nodes are linux/amd64",
		},
		"attestations are not offered": {
			list{arm64, unknown}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, the nodes are linux/amd64",
		},
		"features that no node has": {
			list{wanting}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/amd64 with a+b, the nodes are linux/amd64",
		},
		"attestations only": {
			list{unknown}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers no platform, the nodes are linux/amd64",
		},
		"empty index": {
			nil, list{amd64, arm64}, imagepull.ReasonPlatformMismatch,
			"the image index offers no platform, the nodes are linux/amd64, linux/arm64",
		},
		"empty index, unknown nodes": {nil, nil, imagepull.ReasonPlatformMismatch, "the image index offers no platform"},
		"one platform several times": {
			list{arm64, arm64, arm64}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, the nodes are linux/amd64",
		},
		"some": {
			list{amd64}, list{amd64, arm64}, imagepull.ReasonSomePlatforms,
			"some nodes are not served: the image index offers linux/amd64, the nodes are linux/amd64, linux/arm64",
		},
		"an entry without a platform": {
			list{{}}, list{amd64}, imagepull.ReasonSomePlatforms, "the image index has an entry without a platform",
		},
		"as many as listed": {
			many[:6], list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arch0, linux/arch1, linux/arch2, linux/arch3, linux/arch4, linux/arch5, the nodes are linux/amd64",
		},
		"more than listed": {
			many, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arch0, linux/arch1, linux/arch2, linux/arch3, linux/arch4, linux/arch5 and 3 more, the nodes are linux/amd64",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: "sha256:1", IsIndex: true, Platforms: test.offered}
			got := check(t, preflight.Options{
				Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: index}},
				Credentials: &secrets{},
				Nodes:       nodes.Declared(test.declared),
			}, image)
			want := index
			want.Reason, want.Detail = test.reason, test.detail
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// Nodes read the platform only in an index.
func TestSingleManifestFitsEveryNode(t *testing.T) {
	t.Parallel()
	got := check(t, preflight.Options{
		Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: pullable}},
		Credentials: &secrets{},
		Nodes:       nodes.Declared{platform("linux", "s390x", "")},
	}, image)
	if diff := cmp.Diff(pullable, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

// With another credential the index may be another one.
func TestIndexIsNotComparedIfASecretIsUnreadable(t *testing.T) {
	t.Parallel()
	hidden := credentials.Problem{Subject: "pull secret \"hidden\"", Detail: "forbidden"}
	index := imagepull.Verdict{Reason: imagepull.ReasonPullable, IsIndex: true}
	got := check(t, preflight.Options{
		Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: index}},
		Credentials: &secrets{set: credentials.Set{Unreadable: []credentials.Problem{hidden}}},
		Nodes:       nodes.Declared{platform("linux", "amd64", "")},
	}, image)
	if got.Reason != imagepull.ReasonNodeCredentials {
		t.Errorf("reason = %s, want NodeCredentials", got.Reason)
	}
}

// An autoscaler may bring another node, and a new node may start.
func TestMismatchIsIndeterminateWhereNoPresentNodeCanTakeThePod(t *testing.T) {
	t.Parallel()
	tainted := newNode("arm", "arm64")
	tainted.Spec.Taints = []corev1.Taint{{Key: "node.cilium.io/agent-not-ready", Effect: corev1.TaintEffectNoExecute}}
	withGPU := &corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{
		Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")},
	}}}}
	tests := map[string]struct {
		nodes []corev1.Node
		spec  *corev1.PodSpec
		want  imagepull.Reason
	}{
		"another platform":       {[]corev1.Node{newNode("a", "amd64")}, nil, imagepull.ReasonPlatformMismatch},
		"nodes without the GPU":  {[]corev1.Node{newNode("a", "amd64")}, withGPU, imagepull.ReasonSomePlatforms},
		"a node without network": {[]corev1.Node{newNode("a", "amd64"), tainted}, nil, imagepull.ReasonSomePlatforms},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index := imagepull.Verdict{Reason: imagepull.ReasonPullable, IsIndex: true, Platforms: []imagepull.Platform{platform("linux", "arm64", "")}}
			got := preflight.New(preflight.Options{
				Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: index}},
				Credentials: &secrets{},
				Nodes:       newSnapshot(t, test.nodes...),
			}).Check(t.Context(), pod(image), test.spec)
			if got[0].Reason != test.want {
				t.Errorf("got %q, want %s", summary(got[0].Verdict), test.want)
			}
		})
	}
}

func TestPlatformsFollowTheRuntime(t *testing.T) {
	t.Parallel()
	v1 := imagepull.Verdict{
		Reason: imagepull.ReasonPullable, IsIndex: true, Platforms: []imagepull.Platform{platform("linux", "amd64", "v1")},
	}
	for runtime, want := range map[imagepull.Runtime]imagepull.Reason{
		imagepull.RuntimeContainerd: imagepull.ReasonPullable,
		imagepull.RuntimeCRIO:       imagepull.ReasonPlatformMismatch,
	} {
		got := check(t, preflight.Options{
			Resolver: &scriptedResolver{script: map[string]imagepull.Verdict{image: v1}}, Credentials: &secrets{}, Runtime: runtime,
			Nodes: nodes.Declared{platform("linux", "amd64", "")},
		}, image)
		if got.Reason != want {
			t.Errorf("on %s: got %s, want %s", runtime, got.Reason, want)
		}
	}
}

func TestIndexIsComparedWithThePodsNodes(t *testing.T) {
	t.Parallel()
	index := imagepull.Verdict{Reason: imagepull.ReasonPullable, IsIndex: true, Platforms: []imagepull.Platform{platform("linux", "arm64", "")}}
	selecting := func(label, value string) *corev1.PodSpec {
		return &corev1.PodSpec{NodeSelector: map[string]string{label: value}}
	}
	both := []corev1.Node{newNode("a", "amd64"), newNode("b", "arm64")}
	unlabelled := newNode("c", "")
	tests := map[string]struct {
		nodes  []corev1.Node
		spec   *corev1.PodSpec
		reason imagepull.Reason
		detail string
	}{
		"any node": {
			both, nil, imagepull.ReasonSomePlatforms,
			"some nodes are not served: the image index offers linux/arm64, the nodes are linux/amd64, linux/arm64",
		},
		"the right nodes": {both, selecting(corev1.LabelArchStable, "arm64"), imagepull.ReasonPullable, ""},
		"the wrong nodes": {
			both, selecting(corev1.LabelArchStable, "amd64"), imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, the nodes are linux/amd64",
		},
		"the wrong node": {
			both, &corev1.PodSpec{NodeName: "a"}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, the nodes are linux/amd64",
		},
		"no node": {
			both, selecting("pool", "x"), imagepull.ReasonSomePlatforms,
			"no node is known that the pod can run on now, and the image index offers only linux/arm64",
		},
		"a node without labels": {
			[]corev1.Node{unlabelled}, nil, imagepull.ReasonSomePlatforms,
			"a node does not report its exact platform, and the image index offers linux/arm64",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := preflight.New(preflight.Options{
				Resolver: &scriptedResolver{script: map[string]imagepull.Verdict{image: index}}, Credentials: &secrets{}, Nodes: newSnapshot(t, test.nodes...),
			})
			got := checker.Check(t.Context(), pod(image), test.spec)[0]
			if got.Reason != test.reason || got.Detail != test.detail {
				t.Errorf("got %s %q, want %s %q", got.Reason, got.Detail, test.reason, test.detail)
			}
		})
	}
}

func TestSchema1IsIndeterminateWithAnOldNode(t *testing.T) {
	t.Parallel()
	old := newNode("old", "amd64")
	old.Status.NodeInfo.ContainerRuntimeVersion = "containerd://1.7.27"
	schema1 := imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage, Detail: "old", Fix: "convert it", IsSchema1: true}
	someNodes := schema1
	someNodes.Reason, someNodes.Detail = imagepull.ReasonSomePlatforms, "old, which only old nodes can pull"
	other := imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage, Detail: "a page"}
	tests := map[string]struct {
		nodes          *nodes.Snapshot
		response, want imagepull.Verdict
	}{
		"new nodes":                 {newSnapshot(t, newNode("new", "amd64")), schema1, schema1},
		"an old node":               {newSnapshot(t, newNode("new", "amd64"), old), schema1, someNodes},
		"an old node, not schema 1": {newSnapshot(t, old), other, other},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, preflight.Options{
				Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: test.response}},
				Credentials: &secrets{},
				Nodes:       test.nodes,
			}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}
