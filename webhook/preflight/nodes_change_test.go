package preflight_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// changingNodes are Nodes that change after the first selection.
type changingNodes struct {
	before, after *nodes.Snapshot
	once          sync.Once
}

func (c *changingNodes) Candidates(spec *corev1.PodSpec) nodes.Candidates {
	current := c.after
	c.once.Do(func() { current = c.before })
	return current.Candidates(spec)
}

// A node may join, or get the image, while the registry is slow.
func TestADenialIsForTheNodesOfThisMoment(t *testing.T) {
	t.Parallel()
	arm := index(platform("linux", "arm64", ""))
	lost := imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: "lost", Digest: "sha256:1"}
	otherTag := newNode("c", "amd64", "registry.example/shop/web:2")
	tests := map[string]struct {
		verdict imagepull.Verdict
		policy  imagepull.PullPolicy
		joined  corev1.Node
		want    imagepull.Reason
	}{
		"a node of the same kind":       {absent, imagepull.PullIfNotPresent, newNode("b", "amd64"), imagepull.ReasonNotFound},
		"a node of another platform":    {arm, imagepull.PullAlways, newNode("b", "arm64"), imagepull.ReasonSomePlatforms},
		"a node with the image":         {absent, imagepull.PullIfNotPresent, newNode("b", "amd64", image), imagepull.ReasonNodeCache},
		"a node with layers":            {lost, imagepull.PullAlways, otherTag, imagepull.ReasonNodeCache},
		"a node that reports no images": {absent, imagepull.PullIfNotPresent, unreportedNode("b"), imagepull.ReasonNodeCacheUnreported},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := newNode("a", "amd64")
			resolver := newSecondResponses(map[string]imagepull.Verdict{image: test.verdict}, map[string]imagepull.Verdict{image: confirmed(test.verdict)})
			checker := preflight.New(preflight.Options{
				Resolver: resolver, Credentials: &secrets{},
				Nodes: &changingNodes{before: newSnapshot(t, old), after: newSnapshot(t, old, test.joined)},
			})
			v := checker.Check(t.Context(), withPolicy(test.policy), nil)[0].Verdict
			if v.Reason != test.want {
				t.Errorf("reason = %s: %s, want %s", v.Reason, v.Detail, test.want)
			}
		})
	}
}

// watchedNodes is a nodes.Client of one cluster that changes.
type watchedNodes struct {
	nodeList
	watcher *watch.FakeWatcher
}

func (w watchedNodes) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return w.watcher, nil
}

// IsWatchListSemanticsUnSupported makes the informer list before it watches.
func (watchedNodes) IsWatchListSemanticsUnSupported() bool { return true }

// A denial that needs no second response is compared with the images that nodes report after the lookups, too.
func TestAnImageThatIsLoadedDuringALookupDeniesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := watchedNodes{nodeList{newNode("a", "amd64")}, watch.NewFake()}
		inventory, err := nodes.NewInventory(client, nil)
		if err != nil {
			t.Fatalf("NewInventory() = %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- inventory.Start(ctx) }()
		synctest.Wait()
		loaded := newNode("a", "amd64", image)
		slow := resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict {
			client.watcher.Modify(&loaded)
			synctest.Wait()
			return confirmed(absent)
		})
		checker := preflight.New(preflight.Options{Resolver: slow, Credentials: &secrets{set: credentials.Set{}}, Nodes: inventory})
		v := checker.Check(ctx, withPolicy(imagepull.PullIfNotPresent), nil)[0].Verdict
		if v.Reason != imagepull.ReasonPresentOnNode {
			t.Errorf("reason = %s: %s, want PresentOnNode", v.Reason, v.Detail)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Start() = %v", err)
		}
	})
}
