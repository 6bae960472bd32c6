//go:build monitoring

package monitoring

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/test/controlplane"
	"github.com/pullgate/pullgate/test/process"
	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

const (
	// startTimeout is long enough for a busy machine.
	startTimeout = 2 * time.Minute
	stopGrace    = 3 * time.Second
)

// environment is an API server with Pullgate as its webhook, and a registry.
type environment struct {
	dir       string
	plane     *controlplane.ControlPlane
	clientset *kubernetes.Clientset
	registry  *registry.Server
	// host is the registry's host as images name it.
	host string
	// webhook, health and metrics are the addresses of Pullgate.
	webhook, health, metrics string
	pullgate                 *process.Process
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	e := &environment{dir: t.TempDir()}
	ports, err := process.FreePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	for i, address := range []*string{&e.webhook, &e.health, &e.metrics} {
		*address = fmt.Sprintf("localhost:%d", ports[i])
	}
	e.startRegistry(t)
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	log := new(process.Tail)
	e.plane, err = controlplane.Start(controlplane.Programs{
		Etcd: filepath.Join(assets, "etcd"), APIServer: filepath.Join(assets, "kube-apiserver"),
	}, e.dir, log)
	if err != nil {
		t.Fatalf("%v; the end of the output:\n%s", err, log)
	}
	t.Cleanup(e.plane.Stop)
	admin := rest.CopyConfig(e.plane.Admin)
	admin.QPS, admin.WarningHandler = -1, rest.NoWarnings{}
	if e.clientset, err = kubernetes.NewForConfig(admin); err != nil {
		t.Fatal(err)
	}
	e.install(t, filepath.Join(assets, "kubectl"))
	e.createNodes(t)
	for _, mode := range []policy.Mode{policy.ModeEnforce, policy.ModeWarn, policy.ModeAudit} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: string(mode), Labels: map[string]string{policy.LabelMode: string(mode)}}}
		if _, err := e.clientset.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// startRegistry starts a registry with public repositories in "shop" and private ones elsewhere.
func (e *environment) startRegistry(t *testing.T) {
	t.Helper()
	server, err := registry.Start(registry.Config{Auth: registry.AuthBearer, Public: []string{"shop/*"}, ChallengePublic: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for i := range images {
		if _, err := server.PushImage(fmt.Sprintf("shop/web:%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := server.PushIndex("shop/edge:1", imagepull.Platform{OS: "linux", Architecture: "arm64"}); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(server.Addr(), ":")
	e.registry, e.host = server, "localhost:"+port
}

// install applies the manifests as they are shipped, and gives the webhooks the address of the process.
func (e *environment) install(t *testing.T, kubectl string) {
	t.Helper()
	manifests, err := exec.CommandContext(t.Context(), program(t, "KUSTOMIZE"), "build", filepath.Join(folder, "..", "self-signed")).Output()
	if err != nil {
		t.Fatalf("building the manifests: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", e.plane.Kubeconfig, "apply", "-f", "-")
	cmd.Stdin = bytes.NewReader(manifests)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("applying the manifests: %v\n%s", err, out)
	}
	client := e.clientset.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	webhooks, err := client.Get(t.Context(), certs.WebhookConfigurationName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	url := "https://" + e.webhook + "/validate"
	for i := range webhooks.Webhooks {
		webhooks.Webhooks[i].ClientConfig.Service, webhooks.Webhooks[i].ClientConfig.URL = nil, &url
	}
	if _, err := client.Update(t.Context(), webhooks, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// createNodes creates one node with a short list of images, one with a list that is cut off, and one that has not reported. Pods choose
// the first by the label "images".
func (e *environment) createNodes(t *testing.T) {
	t.Helper()
	for name, reported := range map[string]int{"all": 10, "truncated": 50, "none": 0} {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			"images": name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
		}}}
		created, err := e.clientset.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range reported {
			image := fmt.Sprintf("registry.example/system/agent@sha256:%064d", i)
			created.Status.Images = append(created.Status.Images, corev1.ContainerImage{Names: []string{image}, SizeBytes: 1 << 20})
		}
		created.Status.NodeInfo.ContainerRuntimeVersion = "containerd://2.1.4"
		// No controller removes the taint of a new node.
		if _, err := e.clientset.CoreV1().Nodes().UpdateStatus(t.Context(), created, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		created, err = e.clientset.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		created.Spec.Taints = nil
		if _, err := e.clientset.CoreV1().Nodes().Update(t.Context(), created, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// startPullgate starts a replica and waits until it is ready.
func (e *environment) startPullgate(t *testing.T) {
	t.Helper()
	config := filepath.Join(e.dir, "config.yaml")
	write(t, config, fmt.Appendf(nil, "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\negress: {allow: [%q]}\n",
		strings.Replace(e.host, "localhost", "127.0.0.1", 1)))
	_, port, _ := strings.Cut(e.webhook, ":")
	cmd := exec.Command(program(t, "PULLGATE"), "serve", "--shutdown-delay=0s", "--config="+config, "--kubeconfig="+e.plane.Kubeconfig,
		"--webhook-port="+port, "--health-probe-bind-address="+e.health, "--metrics-bind-address="+e.metrics)
	cmd.Env = append(os.Environ(), "POD_NAMESPACE="+certs.Namespace, "TMPDIR="+e.dir)
	log, err := os.OpenFile(filepath.Join(e.dir, "pullgate.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p, err := process.Start(cmd, process.Options{OwnGroup: true, Output: log})
	if err != nil {
		t.Fatal(err)
	}
	e.pullgate = p
	t.Cleanup(func() {
		p.Stop(stopGrace)
		if t.Failed() {
			t.Logf("the end of the log of pullgate:\n%s", p.Output())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := p.AwaitReady(ctx, "http://"+e.health+"/readyz"); err != nil {
		t.Fatal(err)
	}
}

// awaitWebhook waits until a pod is denied: the API server needs a moment to use a webhook configuration.
func (e *environment) awaitWebhook(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	err := e.pullgate.Await(ctx, func(ctx context.Context) (bool, error) {
		return e.create(ctx, policy.ModeEnforce, e.host+"/shop/web:never", "all") == http.StatusForbidden, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
