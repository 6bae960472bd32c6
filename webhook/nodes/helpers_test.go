package nodes_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

func TestMain(m *testing.M) {
	// The last handler of client-go delays an error by the time since the one before, which has another clock in a bubble.
	utilruntime.ErrorHandlers = utilruntime.ErrorHandlers[:1]
	goleak.VerifyTestMain(m)
}

// platforms parses a list of platforms; "-" is an entry without a platform.
func platforms(t *testing.T, list string) []imagepull.Platform {
	t.Helper()
	var all []imagepull.Platform
	for text := range strings.FieldsSeq(list) {
		parts := append(strings.Split(text, "/"), "", "", "")
		if text == "-" {
			parts = make([]string, 3)
		}
		all = append(all, imagepull.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]})
	}
	return all
}

const (
	osLabel   = corev1.LabelOSStable
	archLabel = corev1.LabelArchStable
)

// pause is an image that every node reports. A node that reports no image has not reported yet.
const pause = "registry.k8s.io/pause:3.10"

// newNode returns a node of the platform with these changes.
func newNode(name, platform string, changes ...func(*corev1.Node)) corev1.Node {
	os, arch, _ := strings.Cut(platform, "/")
	n := corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:   name,
			Labels: map[string]string{osLabel: os, archLabel: arch},
		},
		Status: corev1.NodeStatus{
			NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.37.2"},
			Images:   []corev1.ContainerImage{{Names: []string{pause}}},
		},
	}
	for _, change := range changes {
		change(&n)
	}
	return n
}

func withLabel(key, value string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Labels[key] = value }
}

func withTaint(key string, effect corev1.TaintEffect) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Effect: effect}) }
}

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }

// withImage adds one image by its names.
func withImage(names ...string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Status.Images = append(n.Status.Images, corev1.ContainerImage{Names: names}) }
}

// withImages fills the list of images up to a number.
func withImages(number int) func(*corev1.Node) {
	return func(n *corev1.Node) {
		for i := len(n.Status.Images); i < number; i++ {
			withImage(fmt.Sprintf("registry.example/filler@sha256:%064d", i))(n)
		}
	}
}

// withSizedImage adds one image of this size.
func withSizedImage(size int64, names ...string) func(*corev1.Node) {
	return func(n *corev1.Node) {
		n.Status.Images = append(n.Status.Images, corev1.ContainerImage{Names: names, SizeBytes: size})
	}
}

func withProvider(id string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.ProviderID = id }
}

// withAllocatable sets an allocatable resource.
func withAllocatable(name corev1.ResourceName, amount string) func(*corev1.Node) {
	return func(n *corev1.Node) {
		if n.Status.Allocatable == nil {
			n.Status.Allocatable = make(corev1.ResourceList)
		}
		n.Status.Allocatable[name] = resource.MustParse(amount)
	}
}

func withKubelet(version string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Status.NodeInfo.KubeletVersion = version }
}

// withRuntime sets the container runtime.
func withRuntime(runtime string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Status.NodeInfo.ContainerRuntimeVersion = runtime }
}

func combined(changes ...func(*corev1.Node)) func(*corev1.Node) {
	return func(n *corev1.Node) {
		for _, change := range changes {
			change(n)
		}
	}
}

const (
	digest    = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	web       = "registry.example/shop/web:1"
	webDigest = "registry.example/shop/web@" + digest
	// otherDigest is a name of another image that a node pulled.
	otherDigest = "other.example/x@sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

func webImage() imagepull.Reference {
	return imagepull.Reference{Domain: "registry.example", Path: "shop/web", Tag: "1"}
}

// nodeClient is a Client with nodes, or with an error. Its pages have two nodes.
type nodeClient struct {
	mu      sync.Mutex
	nodes   []corev1.Node
	err     error
	watcher *watch.FakeWatcher
	listed  int
	// hangs makes lists wait for the end of their contexts.
	hangs bool
}

func (c *nodeClient) List(ctx context.Context, options metav1.ListOptions) (*corev1.NodeList, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listed++
	if c.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if c.err != nil {
		return nil, c.err
	}
	list := &corev1.NodeList{Items: c.nodes}
	if options.Limit == 0 {
		return list, nil
	}
	begin := len(options.Continue)
	end := min(begin+2, len(c.nodes))
	list.Items = c.nodes[begin:end]
	if end < len(c.nodes) {
		list.Continue = strings.Repeat("x", end)
	}
	return list, nil
}

func (c *nodeClient) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watcher, c.err
}

// IsWatchListSemanticsUnSupported makes the informer list before it watches.
func (*nodeClient) IsWatchListSemanticsUnSupported() bool { return true }

var errForbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "", nil)

// newSnapshot lists the nodes once.
func newSnapshot(t *testing.T, declared string, all ...corev1.Node) *nodes.Snapshot {
	t.Helper()
	s, err := nodes.List(t.Context(), &nodeClient{nodes: all}, platforms(t, declared))
	if err != nil {
		t.Fatalf("List() = %v", err)
	}
	return s
}

// selecting returns a spec with these selectors, and one for a pool without nodes.
func selecting(pairs ...string) corev1.PodSpec {
	selector := map[string]string{"pool": "not-there-yet"}
	for i := 0; i < len(pairs); i += 2 {
		selector[pairs[i]] = pairs[i+1]
	}
	return corev1.PodSpec{NodeSelector: selector}
}

// requiring returns an affinity that requires one of the terms.
func requiring(terms ...corev1.NodeSelectorTerm) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
	}}
}

func expressing(requirements ...corev1.NodeSelectorRequirement) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: requirements}
}

func in(key string, values ...string) corev1.NodeSelectorRequirement {
	return corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}
}

// named returns the term of a DaemonSet's pod.
func named(node string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{in(metav1.ObjectNameField, node)}}
}

func tolerating(tolerations ...corev1.Toleration) corev1.PodSpec {
	return corev1.PodSpec{Tolerations: tolerations}
}

// newAndOldNode returns a node with a new container runtime and one with an old one.
func newAndOldNode() []corev1.Node {
	return []corev1.Node{
		newNode("new", "linux/amd64", withRuntime("containerd://2.4.2")), newNode("old", "linux/amd64", withRuntime("containerd://1.7.27")),
	}
}
