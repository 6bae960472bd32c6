package nodes_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// of reads a list of platforms; "-" is an entry that names none.
func of(t *testing.T, list string) []imagepull.Platform {
	t.Helper()
	var platforms []imagepull.Platform
	for text := range strings.FieldsSeq(list) {
		parts := append(strings.Split(text, "/"), "", "", "")
		if text == "-" {
			parts = make([]string, 3)
		}
		platforms = append(platforms, imagepull.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]})
	}
	return platforms
}

// pause is an image that nodes hold and nobody asks for. A node that reports none at all has not reported yet.
const pause = "registry.k8s.io/pause:3.10"

// newNode returns a node of the platform, changed as asked.
func newNode(name, platform string, changes ...func(*corev1.Node)) corev1.Node {
	system, architecture, _ := strings.Cut(platform, "/")
	n := corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:   name,
			Labels: map[string]string{corev1.LabelOSStable: system, corev1.LabelArchStable: architecture},
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

func labelled(key, value string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Labels[key] = value }
}

func tainted(key string, effect corev1.TaintEffect) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Effect: effect}) }
}

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }

// holding adds one image by its names.
func holding(names ...string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Status.Images = append(n.Status.Images, corev1.ContainerImage{Names: names}) }
}

// crowded fills the list of images up to a number.
func crowded(number int) func(*corev1.Node) {
	return func(n *corev1.Node) {
		for i := len(n.Status.Images); i < number; i++ {
			holding(fmt.Sprintf("registry.example/filler:%d", i))(n)
		}
	}
}

func kubelet(version string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Status.NodeInfo.KubeletVersion = version }
}

// cluster is a Client with nodes, or with an error. It hands out two nodes a page.
type cluster struct {
	nodes   []corev1.Node
	err     error
	watcher *watch.FakeWatcher
	listed  int
}

func (c *cluster) List(_ context.Context, options metav1.ListOptions) (*corev1.NodeList, error) {
	c.listed++
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

func (c *cluster) Watch(context.Context, metav1.ListOptions) (watch.Interface, error) {
	return c.watcher, c.err
}

// IsWatchListSemanticsUnSupported tells the informer to list before it watches.
func (*cluster) IsWatchListSemanticsUnSupported() bool { return true }

var errForbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "", nil)

// snapshot lists the nodes once.
func snapshot(t *testing.T, declared string, all ...corev1.Node) *nodes.Snapshot {
	t.Helper()
	s, err := nodes.List(t.Context(), &cluster{nodes: all}, of(t, declared))
	if err != nil {
		t.Fatalf("List() = %v", err)
	}
	return s
}
