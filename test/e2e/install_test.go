//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// overlay is the installation: the shipped manifests with what an operator would change.
const overlay = "overlay"

// install installs Pullgate as its guide says, and waits until the API server does as it says.
func (e *environment) install(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { uninstall(t) })
	defer explain(t)
	kubectl(t, "apply", "-k", overlay)
	hosts := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "pullgate-hosts"},
		Data:       map[string]string{"localhost.toml": fmt.Sprintf("server = %q\n", "http://"+e.registry.address)},
	}
	if _, err := e.client.CoreV1().ConfigMaps(systemNamespace).Create(t.Context(), hosts, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	e.awaitRollout(t)
	e.awaitGate(t)
}

// explain tells, after a failure, what the cluster and Pullgate have to say.
func explain(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	for _, args := range [][]string{
		{"get", "pods", "--all-namespaces", "--output=wide"},
		{"get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp"},
		{"logs", "--namespace=" + systemNamespace, "--selector=app.kubernetes.io/name=pullgate", "--prefix", "--tail=50"},
	} {
		out, _ := run(t, args...) // what can't be had is not told
		t.Logf("kubectl %s\n%s", strings.Join(args, " "), out)
	}
}

// uninstall removes Pullgate as the manifests' README says.
func uninstall(t *testing.T) {
	t.Helper()
	kubectl(t, "delete", "--ignore-not-found", "validatingwebhookconfiguration", "pullgate")
	kubectl(t, "delete", "--ignore-not-found", "-k", overlay)
}

// awaitRollout waits until the Deployment runs as it is meant to, and nothing older runs any more.
func (e *environment) awaitRollout(t *testing.T) {
	t.Helper()
	kubectl(t, "rollout", "status", "--namespace="+systemNamespace, "--timeout="+patience.String(), "deployment/pullgate")
}

// awaitGate waits until a pod that can't be pulled is refused. A dry run is enough to know. On a node that is new this takes
// up to ten seconds: it has yet to report its images, and until then may hold any.
func (e *environment) awaitGate(t *testing.T) {
	t.Helper()
	namespace, pod := e.namespace(t, "enforce"), e.pod(e.registry.missing(t, "shop/gate"))
	eventually(t, "the gate to be on", func(context.Context) (bool, any) {
		_, err := e.create(t, namespace, pod, metav1.DryRunAll)
		return isRefusal(err), err
	})
}

// kubectl runs a command of the guide.
func kubectl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := run(t, args...); err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	program := os.Getenv("KUBECTL")
	if program == "" {
		program = "kubectl"
	}
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...).CombinedOutput()
	return string(out), err
}
