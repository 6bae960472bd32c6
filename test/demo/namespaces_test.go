package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/document"
	"github.com/pullgate/pullgate/webhook/policy"
)

func TestPrepareNamespacesAppliesModesAndSecrets(t *testing.T) {
	t.Parallel()
	d, _ := newTestDemo(t, `echo "$@" >arguments; cat >input`)
	if err := d.prepareNamespaces(t.Context()); err != nil {
		t.Fatalf("prepareNamespaces: %v", err)
	}
	if got := readFile(t, filepath.Join(d.dir, "arguments")); got != "apply -f -\n" {
		t.Errorf("got arguments %q", got)
	}
	namespaces, passwords := applied(t, readFile(t, filepath.Join(d.dir, "input")), d.registryHost())
	wantNamespaces := map[string]string{enforceNamespace: string(policy.ModeEnforce), warnNamespace: string(policy.ModeWarn)}
	if diff := cmp.Diff(wantNamespaces, namespaces); diff != "" {
		t.Errorf("modes of namespaces (-want +got):\n%s", diff)
	}
	if passwords[rightSecret] != d.account.Password {
		t.Error("the right secret does not have the account's password")
	}
	if wrong, ok := passwords[wrongSecret]; !ok || wrong == d.account.Password {
		t.Error("the wrong secret is missing, or its password is right")
	}
}

// applied returns the mode of each namespace, and the password of each pull secret for the host.
func applied(t *testing.T, input, host string) (modes, passwords map[string]string) {
	t.Helper()
	documents, err := document.Split([]byte(input))
	if err != nil {
		t.Fatalf("reading the applied objects: %v", err)
	}
	modes, passwords = map[string]string{}, map[string]string{}
	for _, doc := range documents {
		var object corev1.Secret
		decode(t, doc.JSON, &object)
		if object.Kind == "Namespace" {
			modes[object.Name] = object.Labels[policy.LabelMode]
			continue
		}
		var config struct {
			Auths map[string]struct{ Password string }
		}
		decode(t, object.Data[corev1.DockerConfigJsonKey], &config)
		passwords[object.Name] = config.Auths[host].Password
		if object.Type != corev1.SecretTypeDockerConfigJson || object.Namespace != enforceNamespace {
			t.Errorf("secret %s/%s has type %s", object.Namespace, object.Name, object.Type)
		}
	}
	return modes, passwords
}

func TestPrepareNamespacesFails(t *testing.T) {
	t.Parallel()
	d, _ := newTestDemo(t, "cat >/dev/null; echo forbidden; exit 1")
	err := d.prepareNamespaces(t.Context())
	if err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("prepareNamespaces: got %v, want the output of kubectl", err)
	}
}
