package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/test/process"
)

// systemNamespace is the namespace of Pullgate in the manifests.
const systemNamespace = "pullgate-system"

// launch has everything that is needed to start a process.
type launch struct {
	binary, dir string
	args, env   []string
	// volumes are the directories in place of the Deployment's volumes, by name.
	volumes map[string]string
	// webhook, health, metrics and debug are addresses on this machine.
	webhook, health, metrics, debug string
	// interrupted ends the process when it is closed.
	interrupted <-chan struct{}
}

func (l launch) webhookURL() string { return "https://" + l.webhook + "/validate" }

// newLaunch returns the arguments, the environment and the mounts of the Deployment's container, with the mounts below a temporary
// directory. It adds the API server's address, the token of a service account and free ports. As in the container, only the
// mounts are writable.
func (e *environment) newLaunch(t *testing.T, objects manifests, account string) launch {
	t.Helper()
	dir, free := t.TempDir(), freeAddresses(t, 4)
	l := launch{
		binary: e.binary, dir: dir, volumes: map[string]string{}, interrupted: e.interrupted,
		webhook: free[0], health: free[1], metrics: free[2], debug: strings.Replace(free[3], "localhost", "127.0.0.1", 1),
		env: []string{"TMPDIR=" + filepath.Join(dir, "read-only")},
	}
	container := objects.deployment(t).Spec.Template.Spec.Containers[0]
	moved := l.mount(t, container.VolumeMounts)
	for _, arg := range container.Args {
		l.args = append(l.args, moved.Replace(arg))
	}
	for _, v := range container.Env {
		l.env = append(l.env, v.Name+"="+moved.Replace(value(t, v)))
	}
	_, port, _ := strings.Cut(l.webhook, ":")
	l.args = append(l.args, "--kubeconfig="+e.kubeconfig(t, account, filepath.Join(dir, "kubeconfig")), "--webhook-port="+port,
		"--health-probe-bind-address="+l.health, "--metrics-bind-address="+l.metrics, "--debug-bind-address="+l.debug)
	for name, text := range objects.configMap(t).Data {
		writeFile(t, filepath.Join(l.volumes["config"], name), e.configuration(t, text))
	}
	return l
}

// mount creates a directory for each mount, and returns a replacer of the mount paths by the directories.
func (l launch) mount(t *testing.T, mounts []corev1.VolumeMount) *strings.Replacer {
	t.Helper()
	var pairs []string
	for _, m := range mounts {
		l.volumes[m.Name] = filepath.Join(l.dir, m.MountPath)
		writeFile(t, filepath.Join(l.volumes[m.Name], ".mounted"), nil)
		pairs = append(pairs, m.MountPath, l.volumes[m.Name])
	}
	return strings.NewReplacer(pairs...)
}

// value returns the value of an environment variable on a node.
func value(t *testing.T, v corev1.EnvVar) string {
	t.Helper()
	switch {
	case v.ValueFrom == nil:
		return v.Value
	case v.ValueFrom.FieldRef != nil && v.ValueFrom.FieldRef.FieldPath == "metadata.namespace":
		return systemNamespace
	}
	t.Fatalf("the Deployment takes %s from a source that this test does not support", v.Name)
	return ""
}

// configuration returns the shipped configuration, changed so that registries on loopback ports are checked.
func (e *environment) configuration(t *testing.T, shipped string) []byte {
	t.Helper()
	c := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(shipped), &c); err != nil {
		t.Fatalf("reading the shipped configuration: %v", err)
	}
	set := func(values []string, fields ...string) {
		if err := unstructured.SetNestedStringSlice(c, values, fields...); err != nil {
			t.Fatalf("changing the shipped configuration: %v", err)
		}
	}
	var allowed []string // by address: a name does not allow the loopback addresses behind it
	for _, host := range append([]string{e.registry.host, downHost, downAlone}, e.registry.faulty...) {
		allowed = append(allowed, strings.Replace(host, "localhost", "127.0.0.1", 1))
	}
	set(allowed, "egress", "allow")
	data, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// kubeconfig writes a file with a token of the service account, as a node would project it into the pod.
func (e *environment) kubeconfig(t *testing.T, account, file string) string {
	t.Helper()
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: account}}
	token := &authenticationv1.TokenRequest{}
	if err := e.caller(t).client.SubResource("token").Create(t.Context(), sa, token); err != nil {
		t.Fatalf("requesting a token for %s: %v", account, err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: e.config.Host, CertificateAuthorityData: e.config.CAData}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// freeAddresses returns n addresses with free ports. The self-signed certificate is valid for their host name.
func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	ports, err := process.FreePorts(n)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, port := range ports {
		addresses = append(addresses, fmt.Sprintf("localhost:%d", port))
	}
	return addresses
}
