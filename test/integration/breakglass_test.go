package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const presenceMetric = "pullgate_webhook_configuration_present"

// testBreakGlass runs the commands of the documentation that switch Pullgate off. Pods are admitted then, and Pullgate undoes nothing.
// Its metric and its log show the deletion.
func testBreakGlass(t *testing.T, e *environment) {
	commands := breakGlassCommands(t)
	admits := func(namespace string) bool {
		return e.caller(t).create(newPod(namespace, e.registry.expand(imageGone)), client.DryRunAll).err == nil
	}
	t.Run("one namespace", func(t *testing.T) {
		namespace := e.namespace(t, "enforce")
		if admits(namespace) {
			t.Fatal("a pod is admitted before the command")
		}
		e.kubectl(t, strings.ReplaceAll(commands["label"], "shop", namespace))
		eventually(t, "the pod to be admitted", func(context.Context) bool { return admits(namespace) })
	})
	t.Run("the cluster", func(t *testing.T) {
		namespace := e.namespace(t, "enforce")
		eventually(t, "the metric to be 1", func(context.Context) bool { return e.pullgate.metrics(t).sum(presenceMetric) == 1 })
		e.kubectl(t, commands["delete"])
		eventually(t, "the pod to be admitted", func(context.Context) bool { return admits(namespace) })
		eventually(t, "the metric to be 0", func(context.Context) bool {
			metrics := e.pullgate.metrics(t)
			return strings.Contains(string(metrics), "\n"+presenceMetric+" ") && metrics.sum(presenceMetric) == 0
		})
		if log := e.launch.log(t); !strings.Contains(log, "the API server does not call Pullgate") || !strings.Contains(log, "it does not exist") {
			t.Error("the log does not have the deletion")
		}

		// A deleted Secret is created again. After that, a reconciliation has ended.
		secret := e.certificateSecret(t)
		c := e.caller(t)
		if err := c.client.Delete(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		eventually(t, "another secret", func(ctx context.Context) bool {
			return c.client.Get(ctx, client.ObjectKeyFromObject(secret), &corev1.Secret{}) == nil
		})
		if err := c.client.Get(t.Context(), client.ObjectKey{Name: "pullgate"}, webhooks()); !apierrors.IsNotFound(err) {
			t.Errorf("reading the webhook configuration: %v, want that it does not exist", err)
		}

		e.apply(t, e.objects.webhooksAt(t, e.launch.webhookURL()))
		e.awaitDecisions(t)
		eventually(t, "the metric to be 1", func(context.Context) bool { return e.pullgate.metrics(t).sum(presenceMetric) == 1 })
	})
}

// breakGlassCommands returns the commands of the documentation, by their verb.
func breakGlassCommands(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "manifests", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(data), "\n## Emergencies\n")
	section, _, _ = strings.Cut(section, "\n## ")
	commands := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^kubectl (\w+) .*$`).FindAllStringSubmatch(section, -1) {
		commands[match[1]] = match[0]
	}
	if commands["delete"] == "" || commands["label"] == "" {
		t.Fatalf("the section Emergencies of manifests/README.md has the commands %q, want one to delete and one to label", commands)
	}
	return commands
}

// kubectl runs a command line of the documentation as an administrator.
func (e *environment) kubectl(t *testing.T, line string) {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: e.config.Host, CertificateAuthorityData: e.config.CAData}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{ClientCertificateData: e.config.CertData, ClientKeyData: e.config.KeyData}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(line + " --kubeconfig=" + file)[1:]
	out, err := exec.CommandContext(t.Context(), filepath.Join(variable("KUBEBUILDER_ASSETS", ""), "kubectl"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}
