package integration

import (
	"fmt"
	"net"
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
)

// systemNamespace is where the manifests install Pullgate.
const systemNamespace = "pullgate-system"

// launch is all that starting a process takes.
type launch struct {
	binary, dir string
	args, env   []string
	// volumes are the directories that stand for the Deployment's volumes, by name.
	volumes map[string]string
	// webhook, health and metrics are addresses on this machine.
	webhook, health, metrics string
	// interrupted ends the process when it is closed.
	interrupted <-chan struct{}
}

func (l launch) webhookURL() string { return "https://" + l.webhook + "/validate" }

// newLaunch reads off the Deployment how a node would start the container: arguments, environment and mounts, the latter
// moved below a temporary directory. What it adds are the API server's address, the identity of a service account, and
// ports that are free. As in the container, there is nowhere to write but in the mounts.
func (e *environment) newLaunch(t *testing.T, objects manifests, account string) launch {
	t.Helper()
	dir := t.TempDir()
	l := launch{
		binary: e.binary, dir: dir, volumes: map[string]string{}, interrupted: e.interrupted,
		webhook: freeAddress(t), health: freeAddress(t), metrics: freeAddress(t),
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
		"--health-probe-bind-address="+l.health, "--metrics-bind-address="+l.metrics)
	for name, text := range objects.configMap(t).Data {
		writeFile(t, filepath.Join(l.volumes["config"], name), e.configuration(t, text))
	}
	return l
}

// mount makes a directory for each mount, and returns what replaces the one by the other.
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

// value returns what a node would make of an environment variable.
func value(t *testing.T, v corev1.EnvVar) string {
	t.Helper()
	switch {
	case v.ValueFrom == nil:
		return v.Value
	case v.ValueFrom.FieldRef != nil && v.ValueFrom.FieldRef.FieldPath == "metadata.namespace":
		return systemNamespace
	}
	t.Fatalf("the Deployment takes %s from somewhere that this test doesn't know", v.Name)
	return ""
}

// configuration adds to the shipped configuration what makes registries on loopback ports ordinary ones.
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
	set(append([]string{e.registry.host, downHost, downAlone}, e.registry.faulty...), "egress", "allow")
	data, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// kubeconfig writes a file that holds a token of the service account, as a node would project it into the pod.
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

// freeAddress returns an address that nothing listens on. Its name is one that the self-signed certificate holds.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return fmt.Sprintf("localhost:%d", listener.Addr().(*net.TCPAddr).Port)
}
