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
)

func (s *testCluster) createNamespace(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if _, err := s.client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// createLocalRegistry creates the description of the cluster's local registry.
func (r *scenarioRun) createLocalRegistry(t *testing.T) {
	t.Helper()
	object := r.fixture.LocalRegistry()
	if object == nil {
		return
	}
	if _, err := r.client.CoreV1().ConfigMaps(object.Namespace).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *testCluster) create(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if _, err := s.client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// dryRun creates an object in a dry run with the webhook on.
func (r *scenarioRun) dryRun(t *testing.T, object runtime.Object) admission {
	t.Helper()
	var a admission
	client := r.warningClient(t, &a.warnings)
	o := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	switch object := object.(type) {
	case *corev1.Pod:
		_, a.err = client.CoreV1().Pods(r.checked).Create(t.Context(), object, o)
	case *appsv1.Deployment:
		a.template = true
		_, a.err = client.AppsV1().Deployments(r.checked).Create(t.Context(), object, o)
	default:
		t.Fatalf("%T is not a pod or a Deployment", object)
	}
	return a
}

// createDeployment creates a Deployment and returns the name of its pod.
func (r *scenarioRun) createDeployment(t *testing.T) (name string) {
	t.Helper()
	object, err := r.fixture.Object(r.unchecked)
	if err != nil {
		t.Fatal(err)
	}
	deployment, _ := object.(*appsv1.Deployment)
	if _, err := r.client.AppsV1().Deployments(r.unchecked).Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, func(ctx context.Context) (bool, error) {
		pods, err := r.client.CoreV1().Pods(r.unchecked).List(ctx, metav1.ListOptions{LabelSelector: "app=app"})
		if err != nil || len(pods.Items) == 0 {
			return false, err
		}
		name = pods.Items[0].Name
		return true, nil
	}, func() string { return "the Deployment has no pod" })
	return name
}

// createNodes creates the Node objects without a machine, and waits until the scheduler takes them for ready. No
// kubelet renews their leases, so the scenario must finish before they become unready.
func (r *scenarioRun) createNodes(t *testing.T) {
	t.Helper()
	nodes, err := r.fixture.OtherNodes()
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes {
		if _, err := r.client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := r.reportReady(t.Context(), node); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range nodes {
		await(t, func(ctx context.Context) (bool, error) {
			stored, err := r.client.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
			return err == nil && !hasTaint(stored, corev1.TaintNodeNotReady), err
		}, func() string { return node.Name + " is not ready" })
	}
}

// reportReady writes the node's status, as its kubelet would.
func (r *scenarioRun) reportReady(ctx context.Context, node *corev1.Node) error {
	nodes := r.client.CoreV1().Nodes()
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

// clear deletes the scenario's objects, so that its pods send no further requests and the node reports none of its
// images.
func (r *scenarioRun) clear(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	now := int64(0)
	for _, namespace := range []string{r.unchecked, r.checked} {
		_ = r.client.AppsV1().Deployments(namespace).Delete(ctx, "app", metav1.DeleteOptions{}) // most scenarios have none
		err := r.client.CoreV1().Pods(namespace).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{})
		if err != nil {
			t.Error(err)
		}
	}
	for i := range r.fixture.Scenario.Nodes {
		if err := r.client.CoreV1().Nodes().Delete(ctx, r.fixture.Scenario.Nodes[i].Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	if object := r.fixture.LocalRegistry(); object != nil {
		if err := r.client.CoreV1().ConfigMaps(object.Namespace).Delete(ctx, object.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	r.removeImages(t)
}

// removeImages removes the images of the scenario's registries from the node.
func (r *scenarioRun) removeImages(t *testing.T) {
	t.Helper()
	list, err := r.output(context.WithoutCancel(t.Context()), "ctr", "--namespace=k8s.io", "images", "list", "--quiet")
	if err != nil {
		t.Error(err)
		return
	}
	for image := range strings.FieldsSeq(list) {
		host, _, _ := strings.Cut(image, "/")
		if !slices.Contains(r.fixture.Scenario.Names(), host) {
			continue
		}
		if _, err := r.output(context.WithoutCancel(t.Context()), "ctr", "--namespace=k8s.io", "images", "remove", image); err != nil {
			t.Error(err)
		}
	}
}

// isCurrent reports whether the pod's status is about the images of the update.
func (r *scenarioRun) isCurrent(pod *corev1.Pod) bool {
	if r.fixture.Scenario.Update == nil {
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
