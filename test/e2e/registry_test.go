//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	registryImage = "localhost/pullgate-registry:e2e"
	// registryHost is what a node calls the registry. A node trusts it in plain HTTP without being told, since it is its own.
	registryHost = "localhost:5050"
	registryPort = 5050
	adminPort    = 5051
)

// podRegistry is a registry in the network of a node. Nobody may pull what is not below shop, but with its password.
type podRegistry struct {
	e         *environment
	namespace string
	// address is the registry's for those who are not on its node.
	address string
	// hostname is the label of its node: only there it is localhost.
	hostname string
	password string
}

func (e *environment) startRegistry(t *testing.T) *podRegistry {
	t.Helper()
	r := &podRegistry{e: e, namespace: e.namespace(t, ""), password: rand.Text()}
	health := corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(adminPort)}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "registry"},
		Spec: corev1.PodSpec{
			HostNetwork: true,
			Containers: []corev1.Container{{
				Name: "registry", Image: registryImage, ImagePullPolicy: corev1.PullNever,
				Args: []string{
					fmt.Sprintf("-addr=:%d", registryPort), fmt.Sprintf("-admin=:%d", adminPort), "-password=" + r.password,
				},
				// The scheduler finds a node that has these to spare.
				Ports:          []corev1.ContainerPort{{ContainerPort: registryPort}, {ContainerPort: adminPort}},
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &health}},
			}},
		},
	}
	if _, err := e.client.CoreV1().Pods(r.namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod = e.awaitPod(t, r.namespace, "registry", "to be ready", isReady)
	node, err := e.client.CoreV1().Nodes().Get(t.Context(), pod.Spec.NodeName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.address, r.hostname = net.JoinHostPort(pod.Status.HostIP, strconv.Itoa(registryPort)), node.Labels[corev1.LabelHostname]
	return r
}

// push puts an image into the registry that runs, and returns its name as a node knows it.
func (r *podRegistry) push(t *testing.T, image string) string {
	t.Helper()
	r.tell(t, "images/"+image)
	return registryHost + "/" + image
}

// missing returns the name of an image whose repository exists and lacks the tag.
func (r *podRegistry) missing(t *testing.T, repository string) string {
	t.Helper()
	return r.push(t, repository+":1.27") + "-alpin"
}

func (r *podRegistry) stop(t *testing.T) { r.tell(t, "stop") }

func (r *podRegistry) start(t *testing.T) { r.tell(t, "start") }

// tell sends a request to the registry's second port by way of the API server, which reaches it in any cluster.
func (r *podRegistry) tell(t *testing.T, what string) {
	t.Helper()
	answer, err := r.e.client.CoreV1().RESTClient().Post().Namespace(r.namespace).Resource("pods").
		Name(fmt.Sprintf("registry:%d", adminPort)).SubResource("proxy").Suffix(what).
		DoRaw(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatalf("telling the registry to %s: %v: %s", what, err, answer)
	}
}

// createSecret makes a pull secret for the registry.
func (r *podRegistry) createSecret(t *testing.T, namespace, name string) {
	t.Helper()
	type entry struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	data, err := json.Marshal(map[string]any{"auths": map[string]entry{registryHost: {"reader", r.password}}})
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: data},
	}
	if _, err := r.e.client.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
