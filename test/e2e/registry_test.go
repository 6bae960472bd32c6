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
	"k8s.io/client-go/rest"
)

const (
	registryImage = "localhost/pullgate-registry:e2e"
	// registryHost is the registry's host on its node. Nodes use plain HTTP for localhost without any configuration.
	registryHost = "localhost:5050"
	registryPort = 5050
	adminPort    = 5051
)

// podRegistry is a registry in the network of a node. Repositories outside shop need its password.
type podRegistry struct {
	e         *environment
	namespace string
	// address is the registry's address outside its node.
	address string
	// hostname is the label of its node, the only one where the registry is on localhost.
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
				// The scheduler selects a node where these ports are free.
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

// push pushes an image that runs until it is stopped, and returns its name on the node.
func (r *podRegistry) push(t *testing.T, image string) string {
	t.Helper()
	r.control(t, "images/"+image)
	return registryHost + "/" + image
}

// missing returns an image whose repository exists, but not its tag.
func (r *podRegistry) missing(t *testing.T, repository string) string {
	t.Helper()
	return r.push(t, repository+":1.27") + "-alpin"
}

// requests returns the requests that the registry has got, one per line.
func (r *podRegistry) requests(t *testing.T) string {
	t.Helper()
	return r.call(t, r.e.client.CoreV1().RESTClient().Get(), "requests")
}

func (r *podRegistry) stop(t *testing.T) { r.control(t, "stop") }

func (r *podRegistry) start(t *testing.T) { r.control(t, "start") }

func (r *podRegistry) control(t *testing.T, command string) {
	t.Helper()
	r.call(t, r.e.client.CoreV1().RESTClient().Post(), command)
}

// call sends a request to the registry's admin port, through the API server, which reaches it in every cluster.
func (r *podRegistry) call(t *testing.T, request *rest.Request, path string) string {
	t.Helper()
	body, err := request.Namespace(r.namespace).Resource("pods").
		Name(fmt.Sprintf("registry:%d", adminPort)).SubResource("proxy").Suffix(path).
		DoRaw(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatalf("sending %s to the registry: %v: %s", path, err, body)
	}
	return string(body)
}

// createSecret creates a pull secret for the registry.
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
