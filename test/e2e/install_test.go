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

// installation is one way to install Pullgate. Its functions run the commands of an operator.
type installation struct {
	// install also rolls an upgrade back.
	install, upgrade, uninstall func(*testing.T)
}

// kustomized returns the installation of an overlay in folder overlays, as the manifests' README describes it.
func kustomized(overlay string) installation {
	apply := func(overlay string) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			kubectl(t, "apply", "-k", "overlays/"+overlay)
		}
	}
	return installation{
		install: apply(overlay), upgrade: apply("upgrade"),
		uninstall: func(t *testing.T) {
			t.Helper()
			kubectl(t, "delete", "--ignore-not-found", "validatingwebhookconfiguration", "pullgate")
			kubectl(t, "delete", "--ignore-not-found", "-k", "overlays/"+overlay)
		},
	}
}

// install installs Pullgate, and waits until the API server uses its decisions. It is removed at the end of the test.
func (e *environment) install(t *testing.T, i installation) {
	t.Helper()
	t.Cleanup(func() { i.uninstall(t) })
	defer logCluster(t)
	i.install(t)
	hosts := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "pullgate-hosts"},
		Data: map[string]string{
			"localhost.toml": fmt.Sprintf("server = %q\n", "http://"+e.registry.address),
			"ghcr.toml":      fmt.Sprintf("server = %q\n", "http://"+shadowHost),
		},
	}
	if _, err := e.client.CoreV1().ConfigMaps(systemNamespace).Create(t.Context(), hosts, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	e.awaitRollout(t)
	e.awaitDenials(t)
}

// logCluster logs the state of the cluster and of Pullgate after a failure.
func logCluster(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	for _, args := range [][]string{
		{"get", "pods", "--all-namespaces", "--output=wide"},
		{"get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp"},
		{"logs", "--namespace=" + systemNamespace, "--selector=app.kubernetes.io/name=pullgate", "--prefix", "--tail=50"},
	} {
		out, _ := run(t, args...) // the output has the error too
		t.Logf("kubectl %s\n%s", strings.Join(args, " "), out)
	}
}

// awaitRollout waits until the Deployment runs its current version only.
func (e *environment) awaitRollout(t *testing.T) {
	t.Helper()
	kubectl(t, "rollout", "status", "--namespace="+systemNamespace, "--timeout="+timeout.String(), "deployment/pullgate")
}

// awaitDenials waits until a pod whose image cannot be pulled is denied. A dry run is enough.
func (e *environment) awaitDenials(t *testing.T) {
	t.Helper()
	namespace, pod := e.namespace(t, "enforce"), e.pod(e.registry.missing(t, "shop/gate"))
	eventually(t, "a denial", func(context.Context) (bool, any) {
		_, err := e.create(t, namespace, pod, metav1.DryRunAll)
		return isDenial(err), err
	})
}

// kubectl runs kubectl, and ends the test if it fails.
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
