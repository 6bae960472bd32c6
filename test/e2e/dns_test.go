//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// namesFile adds names to the cluster's DNS, for clusters whose Services have none.
var namesFile = flag.String("names", "", "append the names of Services to `FILE`, as lines of an address and a name")

// A Service shadows this host for pods that use the cluster's DNS, as a Service "ghcr" in a namespace "io" shadows ghcr.io. No name
// below "test" exists outside the cluster.
const (
	shadowService   = "ghcr"
	shadowNamespace = "test"
	shadowHost      = "ghcr.test:5050"
)

// probe is the container that sends a request to a registry.
const probe = "probe"

// Nodes do not use the cluster's DNS. The registry behind the Service does not have the image, so its answer would be a denial.
func testShadowedRegistry(t *testing.T, e *environment) {
	e.createNamespace(t, metav1.ObjectMeta{Name: shadowNamespace}, "")
	e.createService(t, shadowNamespace, shadowService)
	e.createProbe(t, e.namespace(t, ""), shadowHost)
	for _, pod := range e.pods(t, systemNamespace) {
		e.testResolver(t, pod)
	}

	namespace, image := e.namespace(t, "enforce"), e.registry.missing(t, "shop/shadowed")
	image = strings.Replace(image, registryHost, shadowHost, 1)
	warnings, err := e.create(t, namespace, e.pod(image))
	if err != nil {
		t.Fatal(err)
	}
	wantWarning(t, warnings, "could not be checked: RegistryUnavailable: ")
	e.awaitPod(t, namespace, "web", "to fail", hasFailed)
	requests := e.registry.requests(t)
	if !strings.Contains(requests, " "+shadowHost+"/v2/ ") || strings.Contains(requests, shadowHost+"/v2/shop/") {
		t.Errorf("got these requests, want for %s only the requests of the pod of the cluster:\n%s", shadowHost, requests)
	}
}

// testResolver checks that a running pod of Pullgate resolves names as its node does.
func (e *environment) testResolver(t *testing.T, pod corev1.Pod) {
	t.Helper()
	if pod.Spec.DNSPolicy != corev1.DNSDefault {
		t.Errorf("pod %s has the DNS policy %s, want %s", pod.Name, pod.Spec.DNSPolicy, corev1.DNSDefault)
	}
	// All containers of a pod have the same resolv.conf. The kubelet may just have changed the status.
	pod.ResourceVersion = ""
	pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers,
		corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(probeContainer(shadowHost))})
	_, err := e.client.CoreV1().Pods(systemNamespace).UpdateEphemeralContainers(t.Context(), pod.Name, &pod, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var end *corev1.ContainerStateTerminated
	e.awaitPod(t, systemNamespace, pod.Name, "to end its probe", func(pod *corev1.Pod) bool {
		for _, status := range pod.Status.EphemeralContainerStatuses {
			end = status.State.Terminated
		}
		return end != nil
	})
	log := e.logs(t, systemNamespace, pod.Name, probe)
	if end.ExitCode == 0 || hasClusterDomain(log) || !strings.Contains(log, "nameserver ") {
		t.Errorf("pod %s reaches the shadow: %v; want false, and a resolv.conf without search domains of Services:\n%s",
			pod.Name, end.ExitCode == 0, log)
	}
}

// A Service with a name of its own has a registry behind it. Pods reach it, and nodes do not know its name. The image exists, and
// the kubelet cannot pull it: the cluster's administrator may give nodes the name, so Pullgate does not deny it.
func testRegistryOfTheCluster(t *testing.T, e *environment) {
	namespace := e.namespace(t, "enforce")
	host := fmt.Sprintf("registry.%s.svc.cluster.local:%d", namespace, registryPort)
	e.createService(t, namespace, "registry")
	e.createProbe(t, e.namespace(t, ""), host)

	image := strings.Replace(e.registry.push(t, "shop/inside:1.0"), registryHost, host, 1)
	warnings, err := e.create(t, namespace, e.pod(image))
	if err != nil {
		t.Fatal(err)
	}
	wantWarning(t, warnings, "could not be checked: NodeLocalRegistry: ")
	e.awaitPod(t, namespace, "web", "to fail", hasFailed)
	if requests := e.registry.requests(t); strings.Contains(requests, host+"/v2/shop/") {
		t.Errorf("got these requests, want for %s only the requests of the pod of the cluster:\n%s", host, requests)
	}
}

// Only nodes can tell what these names mean.
func testNamesOfTheCluster(t *testing.T, e *environment) {
	namespace := e.namespace(t, "enforce")
	for _, host := range []string{"registry.shop.svc.cluster.local:5443", "registry.shop.svc:5443", "registry:5443"} {
		warnings, err := e.create(t, namespace, e.pod(host+"/app:1"), metav1.DryRunAll)
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		wantWarning(t, warnings, "could not be checked: NodeLocalRegistry: ")
	}
}

// createProbe creates a pod that uses the cluster's DNS, and waits until it has got a response from the host.
func (e *environment) createProbe(t *testing.T, namespace, host string) {
	t.Helper()
	e.admit(t, namespace, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: probe},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{probeContainer(host)}, NodeSelector: e.podSpec("").NodeSelector,
			// The first requests may come before kube-proxy has the rules of the Service.
			RestartPolicy: corev1.RestartPolicyOnFailure,
		},
	})
	e.awaitPod(t, namespace, probe, "to reach "+host, func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodSucceeded })
	if log := e.logs(t, namespace, probe, probe); !hasClusterDomain(log) {
		t.Errorf("a pod of the cluster has no search domain of Services, so that nothing is tested:\n%s", log)
	}
}

// createService creates a Service with the registry behind it.
func (e *environment) createService(t *testing.T, namespace, name string) {
	t.Helper()
	host, _, err := net.SplitHostPort(e.registry.address)
	if err != nil {
		t.Fatal(err)
	}
	family := discoveryv1.AddressTypeIPv4
	if strings.Contains(host, ":") {
		family = discoveryv1.AddressTypeIPv6
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: registryPort}}},
	}
	service, err = e.client.CoreV1().Services(namespace).Create(t.Context(), service, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name},
		},
		AddressType: family,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{host}}},
		Ports:       []discoveryv1.EndpointPort{{Name: new(""), Port: new(int32(registryPort))}},
	}
	_, err = e.client.DiscoveryV1().EndpointSlices(namespace).Create(t.Context(), slice, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if *namesFile != "" {
		appendName(t, service.Spec.ClusterIP, name+"."+namespace+".svc.cluster.local")
	}
}

func appendName(t *testing.T, address, name string) {
	t.Helper()
	file, err := os.OpenFile(*namesFile, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintf(file, "%s %s\n", address, name); err != nil {
		t.Fatal(err)
	}
}

// probeContainer returns a container that prints its resolv.conf, sends a request to the host, and fails without a response.
func probeContainer(host string) corev1.Container {
	return corev1.Container{
		Name: probe, Image: registryImage, ImagePullPolicy: corev1.PullNever, Args: []string{"-probe=http://" + host + "/v2/"},
		// As the namespace of Pullgate requires.
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
}

// hasClusterDomain reports whether a resolv.conf has the search domain of all Services.
func hasClusterDomain(text string) bool { return strings.Contains(text, " svc.") }
