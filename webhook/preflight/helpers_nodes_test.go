package preflight_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// imageDigest is a name that a node reports for the image if it pulled it.
const imageDigest = "registry.example/shop/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// Verdicts on an image that nodes may have.
var (
	present = imagepull.Verdict{Reason: imagepull.ReasonPresentOnNode, Detail: "every node that the pod can run on holds the image"}

	absentHere = imagepull.Verdict{
		Reason: imagepull.ReasonNodeCache, Detail: "tag not found, but some nodes hold the image", Fix: "push the image or correct its name",
	}
	absentPulled = imagepull.Verdict{
		Reason: imagepull.ReasonNodeCache,
		Detail: "tag not found, but the nodes hold the image and may not verify access again",
		Fix:    "push the image or correct its name",
	}
	absentRecent = imagepull.Verdict{
		Reason: imagepull.ReasonNodeCacheUnreported,
		Detail: "tag not found, but the image may have been loaded onto a node a moment ago",
		Fix:    "push the image or correct its name",
	}
	absentMaybe = imagepull.Verdict{
		Reason: imagepull.ReasonNodeCacheUnreported, Detail: "tag not found, but a node may hold the image without reporting it", Fix: "push the image or correct its name",
	}
)

// nodeConfig is the nodes' config.json. With once, the second read fails.
type nodeConfig struct {
	text string
	once bool
	read bool
}

func (f *nodeConfig) open() ([]byte, error) {
	if f.once && f.read {
		return nil, errors.New("gone")
	}
	f.read = true
	return []byte(f.text), nil
}

func withNodeConfig(t *testing.T, pods credentials.Source, file *nodeConfig) credentials.Node {
	t.Helper()
	config, err := credentials.NewDockerConfigFile(file.open, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("NewDockerConfigFile() error = %v, want none", err)
	}
	return credentials.Node{Source: pods, DockerConfig: config}
}

// nodeList is a nodes.Client with the Node objects of a cluster.
type nodeList []corev1.Node

func (m nodeList) List(context.Context, metav1.ListOptions) (*corev1.NodeList, error) {
	return &corev1.NodeList{Items: m}, nil
}

func (nodeList) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return watch.NewFake(), nil
}

// newNode returns a node that reports one image by its names, and the pause image that every node has.
func newNode(name, architecture string, names ...string) corev1.Node {
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:   name,
			Labels: map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: architecture},
		},
		Status: corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: []string{"registry.k8s.io/pause:3.10"}}, {Names: names}}},
	}
}

// unreportedNode returns a node that has not reported its images yet.
func unreportedNode(name string) corev1.Node {
	n := newNode(name, "amd64")
	n.Status.Images = nil
	return n
}

// localNode returns a node of a kind cluster.
func localNode(name string) corev1.Node {
	n := newNode(name, "amd64")
	n.Spec.ProviderID = "kind://docker/kind/" + name
	return n
}

// presentBut returns the verdict on an image that every node has, and whose verdict of the registry has this detail.
func presentBut(detail string) imagepull.Verdict {
	v := present
	v.Warnings = []imagepull.Warning{{Reason: imagepull.WarningNotOnRegistry, Message: "a new node could not pull it: " + detail}}
	return v
}

func newSnapshot(t *testing.T, all ...corev1.Node) *nodes.Snapshot {
	t.Helper()
	snapshot, err := nodes.List(t.Context(), nodeList(all), nil)
	if err != nil {
		t.Fatalf("List() = %v", err)
	}
	return snapshot
}

// clusters returns clusters, named by the nodes that have the image.
func clusters(t *testing.T) map[string]*nodes.Snapshot {
	t.Helper()
	without, loaded, pulled := newNode("a", "amd64"), newNode("b", "amd64", image), newNode("c", "amd64", imageDigest, image)
	return map[string]*nodes.Snapshot{
		"no node":    newSnapshot(t),
		"unreported": newSnapshot(t, without, unreportedNode("d")),
		"absent":     newSnapshot(t, without, without),
		"local":      newSnapshot(t, without, localNode("e")),
		"some nodes": newSnapshot(t, without, loaded),
		"loaded":     newSnapshot(t, loaded, loaded),
		"pulled":     newSnapshot(t, loaded, pulled),
	}
}

func platform(os, architecture, variant string) imagepull.Platform {
	return imagepull.Platform{OS: os, Architecture: architecture, Variant: variant}
}

// withPolicy returns a pod with one image and that pull policy.
func withPolicy(policy imagepull.PullPolicy) imagepull.Pod {
	p := pod(image)
	p.Uses[0].PullPolicy = policy
	return p
}
