package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// testReadme runs the commands of README's section "Install", from the installation to the first denial. Three things differ. The
// file of a release is built from the manifests. An image of this test's registry replaces the image of Docker Hub. The API
// server calls the webhook by its URL. The test writes the status of the Deployment, as its controller would.
func testReadme(t *testing.T, e *environment) {
	commands := installCommands(t)
	if len(commands) != 4 {
		t.Fatalf("README has %d commands until the first denial, want 4: %q", len(commands), commands)
	}
	shell := e.newShell(t)
	file := filepath.Join(t.TempDir(), "install.yaml")
	out, err := exec.CommandContext(t.Context(), kustomize(), "build", filepath.Join("..", "..", "manifests", "self-signed")).Output()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, out)

	// The API server calls a webhook by a URL or by a Service, so that the one with the URL must not remain.
	shell.must(t, "kubectl delete validatingwebhookconfiguration pullgate")
	shell.must(t, replace(t, commands[0], "https://github.com/pullgate/pullgate/releases/latest/download/install.yaml", file))
	e.useURL(t)
	e.completeRollout(t)
	shell.must(t, commands[1])
	shell.must(t, commands[2])
	t.Cleanup(func() { shell.must(t, "kubectl label namespace default pullgate.dev/mode-") })

	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "default"}}
	e.caller(t).must(e.caller(t).create(account)) // as its controller would
	run := replace(t, commands[3], "nginx:no-such-tag", e.registry.expand(imageGone))
	eventually(t, "the label to take effect", func(context.Context) bool {
		out, err := shell.run(t, run+" --dry-run=server")
		return err != nil && strings.Contains(out, "pods.pullgate.dev")
	})
	denial, err := shell.run(t, run)
	const want = "Error from server (Forbidden): "
	if err == nil || !strings.HasPrefix(denial, want) || !strings.Contains(denial, "tag not found") {
		t.Errorf("got error %v and %q, want a denial that begins with %q", err, denial, want)
	}
}

// installCommands returns the commands of the first block in README's section "Install".
func installCommands(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)\n## Install\n.*?\n```\n(.*?)\n```\n").FindSubmatch(readme)
	if block == nil {
		t.Fatal(`README has no commands below "Install"`)
	}
	return strings.Split(string(block[1]), "\n")
}

// replace replaces a text that the command must contain.
func replace(t *testing.T, command, old, with string) string {
	t.Helper()
	if !strings.Contains(command, old) {
		t.Fatalf("%q does not contain %q", command, old)
	}
	return strings.Replace(command, old, with, 1)
}

// shell runs commands of documents with the kubectl of the control plane, as an administrator.
type shell struct{ env []string }

func (e *environment) newShell(t *testing.T) shell {
	t.Helper()
	dir, err := filepath.Abs(variable("KUBEBUILDER_ASSETS", ""))
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "admin.kubeconfig")
	writeFile(t, kubeconfig, e.admin)
	return shell{[]string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "KUBECONFIG=" + kubeconfig}}
}

func (s shell) run(t *testing.T, command string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", command)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s shell) must(t *testing.T, command string) {
	t.Helper()
	if out, err := s.run(t, command); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// useURL lets the API server call the webhook by its URL again, since it reaches no Service.
func (e *environment) useURL(t *testing.T) {
	t.Helper()
	url := e.launch.webhookURL()
	e.changeWebhooks(t, func(webhook *admissionregistrationv1.ValidatingWebhook) {
		webhook.ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &url}
	})
	e.awaitDecisions(t)
}

// completeRollout writes the status of a Deployment whose replicas are ready.
func (e *environment) completeRollout(t *testing.T) {
	t.Helper()
	c := e.caller(t)
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "pullgate"}}
	c.get(deployment)
	n := *deployment.Spec.Replicas
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n,
	}
	if err := c.client.Status().Update(t.Context(), deployment, &client.SubResourceUpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
