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

// condition is a state to wait for. An error does not end the wait, because a starting API server returns many.
type condition struct {
	name  string
	isMet func(context.Context, kubernetes.Interface) (bool, error)
}

// await waits until the condition is met. It uses the administrator's kubeconfig.
func (p Plan) await(ctx context.Context, c condition) error {
	config, err := clientcmd.BuildConfigFromFlags("", p.kubeconfig("admin"))
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	return c.await(ctx, client)
}

func (c condition) await(ctx context.Context, client kubernetes.Interface) error {
	var last error
	err := poll(ctx, func(ctx context.Context) (bool, error) {
		met, err := c.isMet(ctx, client)
		last = err
		return met && err == nil, nil
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

// isReady reports whether the node is ready and has no taint of an unready node, so that the scheduler uses it.
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
