package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// condition is something to wait for. An error means that it may yet come: an API server that starts gives many.
type condition struct {
	name  string
	holds func(context.Context, kubernetes.Interface) (bool, error)
}

// await waits, as the administrator, until the condition holds.
func (p Plan) await(ctx context.Context, c condition) error {
	config, err := clientcmd.BuildConfigFromFlags("", p.kubeconfig("admin"))
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	return c.await(ctx, client)
}

func (c condition) await(ctx context.Context, client kubernetes.Interface) error {
	var last error
	err := poll(ctx, func(ctx context.Context) (bool, error) {
		yes, err := c.holds(ctx, client)
		last = err
		return yes && err == nil, nil
	})
	if err != nil && last != nil {
		return fmt.Errorf("waiting for %s: %w: %w", c.name, err, last)
	}
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", c.name, err)
	}
	return nil
}

var (
	apiServerReady = condition{"the API server", func(ctx context.Context, client kubernetes.Interface) (bool, error) {
		err := client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
		return err == nil, err
	}}
	nodeReady = condition{"the node", func(ctx context.Context, client kubernetes.Interface) (bool, error) {
		node, err := client.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil && isReady(node), err
	}}
	serviceAccountExists = condition{"a service account", func(ctx context.Context, client kubernetes.Interface) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, err
	}}
)

// isReady tells whether the kubelet says so, and the scheduler has been allowed to use the node.
func isReady(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Key == corev1.TaintNodeNotReady {
			return false
		}
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
