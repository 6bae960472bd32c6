package stage

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// Namespace is the namespace of the pods, in mode enforce.
	Namespace = "shop"

	// username and password are the only account of every registry.
	username, password = "shop", "open-sesame"

	// Nodes and imagesPerNode describe a small cluster. A kubelet reports at most fifty images. With fewer,
	// the list of images is complete.
	Nodes         = 10
	imagesPerNode = 40
)

// populate creates the namespace, and nodes with images that no pod uses.
func (s *Stage) populate(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: Namespace, Labels: map[string]string{"pullgate.dev/mode": "enforce"},
	}}
	if _, err := s.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating the namespace: %w", err)
	}
	return s.JoinNodes(ctx, 0, Nodes)
}

// joining bounds the concurrent requests to the API server.
const joining = 16

// JoinNodes creates the nodes from first to last, last excluded.
func (s *Stage) JoinNodes(ctx context.Context, first, last int) error {
	return eachNode(ctx, first, last, "creating", func(ctx context.Context, i int) error { return s.join(ctx, newNode(i)) })
}

// RemoveNodes deletes the nodes from first to last, last excluded.
func (s *Stage) RemoveNodes(ctx context.Context, first, last int) error {
	return eachNode(ctx, first, last, "deleting", func(ctx context.Context, i int) error {
		return s.client.CoreV1().Nodes().Delete(ctx, newNode(i).Name, metav1.DeleteOptions{})
	})
}

func eachNode(ctx context.Context, first, last int, action string, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(joining)
	for i := first; i < last; i++ {
		group.Go(func() error { return do(ctx, i) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%s nodes: %w", action, err)
	}
	return nil
}

func (s *Stage) join(ctx context.Context, node *corev1.Node) error {
	status := node.Status
	created, err := s.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	created.Status = status
	_, err = s.client.CoreV1().Nodes().UpdateStatus(ctx, created, metav1.UpdateOptions{})
	return err
}

func newNode(i int) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name:   fmt.Sprintf("node-%d", i),
		Labels: map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64"},
	}}
	node.Status.NodeInfo.OperatingSystem, node.Status.NodeInfo.Architecture = "linux", "amd64"
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	for j := range imagesPerNode {
		name := fmt.Sprintf("registry.example/team-%d/service-%d", j%7, j)
		node.Status.Images = append(node.Status.Images, corev1.ContainerImage{
			Names:     []string{fmt.Sprintf("%s@sha256:%064x", name, j), name + ":1.0"},
			SizeBytes: 100 << 20,
		})
	}
	return node
}

// PullSecret creates a pull secret in the namespace, for the account at the registries.
func (s *Stage) PullSecret(ctx context.Context, name string, hosts ...string) error {
	type login struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	auths := map[string]login{}
	for _, host := range hosts {
		auths[host] = login{username, password}
	}
	config, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		return err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: name},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: config},
	}
	if _, err := s.client.CoreV1().Secrets(Namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating a pull secret: %w", err)
	}
	return nil
}
