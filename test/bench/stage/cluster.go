package stage

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// Namespace is the one that pods are made in, in mode enforce.
	Namespace = "shop"

	// username and password are those of the one account that every registry has.
	username, password = "shop", "open-sesame"

	// nodeCount and imagesPerNode make a small cluster. With fifty images, the most that a kubelet reports, nobody would know
	// what else is there.
	nodeCount     = 10
	imagesPerNode = 40
)

// populate makes the namespace, and nodes that hold images which nobody asks for.
func (s *Stage) populate(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: Namespace, Labels: map[string]string{"pullgate.dev/mode": "enforce"},
	}}
	if _, err := s.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("making the namespace: %w", err)
	}
	for i := range nodeCount {
		if err := s.join(ctx, newNode(i)); err != nil {
			return fmt.Errorf("making a node: %w", err)
		}
	}
	return nil
}

func (s *Stage) join(ctx context.Context, node *corev1.Node) error {
	status := node.Status
	made, err := s.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status = status
	_, err = s.client.CoreV1().Nodes().UpdateStatus(ctx, made, metav1.UpdateOptions{})
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

// PullSecret makes a pull secret of the namespace for the account at the registries.
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
		return fmt.Errorf("making a pull secret: %w", err)
	}
	return nil
}
