package preflight_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

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

// withPolicy returns a pod with one image.
func withPolicy(policy imagepull.PullPolicy) imagepull.Pod {
	p := pod(image)
	p.Uses[0].PullPolicy = policy
	return p
}

func TestIfNotPresent(t *testing.T) {
	t.Parallel()
	doubtful := func(v imagepull.Verdict) map[string]imagepull.Verdict {
		return map[string]imagepull.Verdict{
			"no node": v, "not reported": v, "nowhere": v, "somewhere": v, "loaded": onNodes, "pulled": onNodes,
		}
	}
	tests := map[string]struct {
		answer imagepull.Verdict
		want   map[string]imagepull.Verdict
	}{
		"absent": {absent, map[string]imagepull.Verdict{
			"no node": absent, "not reported": absentMaybe, "nowhere": absent, "somewhere": absentHere, "loaded": onNodes, "pulled": onNodes,
		}},
		"refused": {refused, map[string]imagepull.Verdict{
			"no node":      refused,
			"not reported": {Reason: imagepull.ReasonNodeCache, Detail: "refused, but a node may hold the image without reporting it", Fix: "renew it"},
			"nowhere":      refused,
			"somewhere":    {Reason: imagepull.ReasonNodeCache, Detail: "refused, but some nodes hold the image", Fix: "renew it"},
			"loaded":       onNodes,
			"pulled":       {Reason: imagepull.ReasonNodeCache, Detail: "refused, but the nodes hold the image and may not verify access again", Fix: "renew it"},
		}},
		"works": {works, map[string]imagepull.Verdict{
			"no node": works, "not reported": works, "nowhere": works, "somewhere": works, "loaded": onNodes, "pulled": works,
		}},
		"unavailable": {unavailable, doubtful(unavailable)},
		"busy":        {busy, doubtful(busy)},
	}
	for name, test := range tests {
		for holder, cluster := range holders(t) {
			t.Run(name+", "+holder, func(t *testing.T) {
				t.Parallel()
				resolver := &registry{script: map[string]imagepull.Verdict{image: test.answer}}
				checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}, Nodes: cluster})
				got := checker.Check(t.Context(), withPolicy(imagepull.PullIfNotPresent), nil)
				if diff := cmp.Diff(test.want[holder], got[0].Verdict); diff != "" {
					t.Errorf("verdict (-want +got):\n%s", diff)
				}
				if asked := len(resolver.questions()) > 0; asked != (holder != "loaded") {
					t.Errorf("asked the registry: %t", asked)
				}
			})
		}
	}
}

// TestAlways asks the registry, whatever the nodes hold.
func TestAlways(t *testing.T) {
	t.Parallel()
	for holder, cluster := range holders(t) {
		got := check(t, preflight.Options{
			Resolver: &registry{script: map[string]imagepull.Verdict{image: absent}}, Credentials: &secrets{}, Nodes: cluster,
		}, image)
		if diff := cmp.Diff(absent, got); diff != "" {
			t.Errorf("%s: verdict (-want +got):\n%s", holder, diff)
		}
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

// TestBrokenSecretOfAnImageOnTheNodes: a kubelet looks for credentials only if it has to ask the registry.
func TestBrokenSecretOfAnImageOnTheNodes(t *testing.T) {
	t.Parallel()
	broken := credentials.Set{Invalid: []credentials.Problem{{Subject: "pull secret", Detail: "not JSON"}}}
	want := map[string]imagepull.Reason{
		"no node": imagepull.ReasonInvalidPullSecret, "not reported": imagepull.ReasonNodeCache, "nowhere": imagepull.ReasonInvalidPullSecret,
		"somewhere": imagepull.ReasonNodeCache, "loaded": imagepull.ReasonPresentOnNode, "pulled": imagepull.ReasonNodeCache,
	}
	for holder, cluster := range holders(t) {
		checker := preflight.New(preflight.Options{Resolver: &registry{}, Credentials: &secrets{set: broken}, Nodes: cluster})
		got := checker.Check(t.Context(), withPolicy(imagepull.PullIfNotPresent), nil)
		if got[0].Reason != want[holder] {
			t.Errorf("%s: reason = %s, want %s", holder, got[0].Reason, want[holder])
		}
	}
}

// TestOneImageUnderTwoPolicies: the registry is asked once, and each use has its own verdict.
func TestOneImageUnderTwoPolicies(t *testing.T) {
	t.Parallel()
	p := pod(image, image, image)
	p.Uses[1].PullPolicy, p.Uses[2].PullPolicy = imagepull.PullIfNotPresent, imagepull.PullNever
	resolver := &registry{script: map[string]imagepull.Verdict{image: absent}}
	checker := preflight.New(preflight.Options{Resolver: resolver, Credentials: &secrets{}, Nodes: holders(t)["somewhere"]})
	want := []imagepull.Reason{imagepull.ReasonNotFound, imagepull.ReasonNodeCache, imagepull.ReasonNodeCache}
	if diff := cmp.Diff(want, reasons(checker.Check(t.Context(), p, nil))); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if asked := resolver.questions(); len(asked) != 1 {
		t.Errorf("asked %q, want one question", asked)
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

// TestPlatformsOfThePodsNodes: the same image, and pods that run on other nodes.
func TestPlatformsOfThePodsNodes(t *testing.T) {
	t.Parallel()
	index := imagepull.Verdict{Reason: imagepull.ReasonPullable, IsIndex: true, Platforms: []imagepull.Platform{platform("linux", "arm64", "")}}
	on := func(label, value string) *corev1.PodSpec {
		return &corev1.PodSpec{NodeSelector: map[string]string{label: value}}
	}
	both := []corev1.Node{machine("a", "amd64"), machine("b", "arm64")}
	untold := machine("c", "")
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
		"the right nodes": {both, on(corev1.LabelArchStable, "arm64"), imagepull.ReasonPullable, ""},
		"the wrong nodes": {
			both, on(corev1.LabelArchStable, "amd64"), imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, the nodes are linux/amd64",
		},
		"the wrong node": {
			both, &corev1.PodSpec{NodeName: "a"}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, the nodes are linux/amd64",
		},
		"no node": {
			both, on("pool", "x"), imagepull.ReasonSomePlatforms,
			"no node is known that the pod can run on now, and the image index offers only linux/arm64",
		},
		"a node that does not say": {
			[]corev1.Node{untold}, nil, imagepull.ReasonSomePlatforms,
			"a node does not report its exact platform, and the image index offers linux/arm64",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := preflight.New(preflight.Options{
				Resolver: &registry{script: map[string]imagepull.Verdict{image: index}}, Credentials: &secrets{}, Nodes: clusterOf(t, test.nodes...),
			})
			got := checker.Check(t.Context(), pod(image), test.spec)[0]
			if got.Reason != test.reason || got.Detail != test.detail {
				t.Errorf("got %s %q, want %s %q", got.Reason, got.Detail, test.reason, test.detail)
			}
		})
	}
}

// An image of the old format is for old nodes.
func TestSchema1(t *testing.T) {
	t.Parallel()
	old := machine("old", "amd64")
	old.Status.NodeInfo.ContainerRuntimeVersion = "containerd://1.7.27"
	schema1 := imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage, Detail: "old", Fix: "convert it", IsSchema1: true}
	doubt := schema1
	doubt.Reason, doubt.Detail = imagepull.ReasonSomePlatforms, "old, which only old nodes can pull"
	other := imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage, Detail: "a page"}
	tests := map[string]struct {
		nodes        *nodes.Snapshot
		answer, want imagepull.Verdict
	}{
		"new nodes":                      {clusterOf(t, machine("new", "amd64")), schema1, schema1},
		"an old one":                     {clusterOf(t, machine("new", "amd64"), old), schema1, doubt},
		"an old one, and something else": {clusterOf(t, old), other, other},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := check(t, preflight.Options{
				Resolver:    &registry{script: map[string]imagepull.Verdict{image: test.answer}},
				Credentials: &secrets{},
				Nodes:       test.nodes,
			}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}
