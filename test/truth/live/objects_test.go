//go:build cluster

package live

import (
	"context"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/retry"

	"github.com/pullgate/pullgate/test/truth"
)

func (s *stage) createNamespace(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if _, err := s.client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// createLocalRegistry has the cluster describe its local registry.
func (p *play) createLocalRegistry(t *testing.T) {
	t.Helper()
	object := p.world.LocalRegistry()
	if object == nil {
		return
	}
	if _, err := p.client.CoreV1().ConfigMaps(object.Namespace).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) create(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if _, err := s.client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// dryRun creates an object with the gate on, and takes it back.
func (p *play) dryRun(t *testing.T, object runtime.Object) answer {
	t.Helper()
	var a answer
	client := p.warned(t, &a.warnings)
	o := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	switch object := object.(type) {
	case *corev1.Pod:
		_, a.err = client.CoreV1().Pods(p.gated).Create(t.Context(), object, o)
	case *appsv1.Deployment:
		a.template = true
		_, a.err = client.AppsV1().Deployments(p.gated).Create(t.Context(), object, o)
	default:
		t.Fatalf("%T is nothing that can be asked about", object)
	}
	return a
}

// recordDeployment plays a Deployment, and looks at its pod.
func (p *play) recordDeployment(t *testing.T) truth.Recorded {
	t.Helper()
	object, err := p.world.Object(p.open)
	if err != nil {
		t.Fatal(err)
	}
	deployment, _ := object.(*appsv1.Deployment)
	if _, err := p.client.AppsV1().Deployments(p.open).Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var name string
	await(t, func(ctx context.Context) (bool, error) {
		pods, err := p.client.CoreV1().Pods(p.open).List(ctx, metav1.ListOptions{LabelSelector: "app=app"})
		if err != nil || len(pods.Items) == 0 {
			return false, err
		}
		name = pods.Items[0].Name
		return true, nil
	}, func() string { return "the Deployment makes no pod" })
	return p.observe(t, name, p.world.Scenario.Recovers)
}

// createNodes makes the Node objects without nodes, and waits until the scheduler takes them for ready ones. They are soon
// found out, since nobody renews their leases: the scenario has to be over by then.
func (p *play) createNodes(t *testing.T) {
	t.Helper()
	nodes, err := p.world.OtherNodes()
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes {
		if _, err := p.client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := p.reportReady(t.Context(), node); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range nodes {
		await(t, func(ctx context.Context) (bool, error) {
			stored, err := p.client.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
			return err == nil && !hasTaint(stored, corev1.TaintNodeNotReady), err
		}, func() string { return node.Name + " is not ready" })
	}
}

// reportReady writes the node's status, as its kubelet would.
func (p *play) reportReady(ctx context.Context, node *corev1.Node) error {
	nodes := p.client.CoreV1().Nodes()
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		stored, err := nodes.Get(ctx, node.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		stored.Status = node.Status
		stored.Status.Conditions[0].LastHeartbeatTime = metav1.Now()
		_, err = nodes.UpdateStatus(ctx, stored, metav1.UpdateOptions{})
		return err
	})
}

func hasTaint(node *corev1.Node, key string) bool {
	return slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == key })
}

// clear ends what the scenario has left, so that nothing goes on asking, and the node reports no images of old.
func (p *play) clear(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	now := int64(0)
	for _, namespace := range []string{p.open, p.gated} {
		_ = p.client.AppsV1().Deployments(namespace).Delete(ctx, "app", metav1.DeleteOptions{}) // most have none
		err := p.client.CoreV1().Pods(namespace).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{})
		if err != nil {
			t.Error(err)
		}
	}
	for i := range p.world.Scenario.Nodes {
		if err := p.client.CoreV1().Nodes().Delete(ctx, p.world.Scenario.Nodes[i].Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	if object := p.world.LocalRegistry(); object != nil {
		if err := p.client.CoreV1().ConfigMaps(object.Namespace).Delete(ctx, object.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	p.removeImages(t)
}

// removeImages removes the images of the scenario's registries from the node.
func (p *play) removeImages(t *testing.T) {
	t.Helper()
	list, err := p.output(context.WithoutCancel(t.Context()), "ctr", "--namespace=k8s.io", "images", "list", "--quiet")
	if err != nil {
		t.Error(err)
		return
	}
	for image := range strings.FieldsSeq(list) {
		host, _, _ := strings.Cut(image, "/")
		if !slices.Contains(p.world.Scenario.Names(), host) {
			continue
		}
		if _, err := p.output(context.WithoutCancel(t.Context()), "ctr", "--namespace=k8s.io", "images", "remove", image); err != nil {
			t.Error(err)
		}
	}
}

// isCurrent reports whether the pod's status is about the images that an update gave to its containers.
func (p *play) isCurrent(pod *corev1.Pod) bool {
	if p.world.Scenario.Update == nil {
		return true
	}
	images := map[string]string{}
	for _, status := range pod.Status.ContainerStatuses {
		images[status.Name] = status.Image
	}
	for _, c := range pod.Spec.Containers {
		if c.Image != images[c.Name] {
			return false
		}
	}
	return true
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
