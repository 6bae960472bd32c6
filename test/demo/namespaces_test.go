package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/document"
	"github.com/pullgate/pullgate/webhook/policy"
)

func TestPrepareNamespaces(t *testing.T) {
	t.Parallel()
	s, _ := newTestStage(t, `echo "$@" >arguments; cat >input`)
	if err := s.prepareNamespaces(t.Context()); err != nil {
		t.Fatalf("prepareNamespaces: %v", err)
	}
	if got := readFile(t, filepath.Join(s.dir, "arguments")); got != "apply -f -\n" {
		t.Errorf("got arguments %q", got)
	}
	namespaces, passwords := applied(t, readFile(t, filepath.Join(s.dir, "input")), s.registryHost())
	wantNamespaces := map[string]string{enforceNamespace: string(policy.ModeEnforce), warnNamespace: string(policy.ModeWarn)}
	if diff := cmp.Diff(wantNamespaces, namespaces); diff != "" {
		t.Errorf("modes of namespaces (-want +got):\n%s", diff)
	}
	if passwords[rightSecret] != s.account.Password {
		t.Error("the right secret has another password than the account")
	}
	if wrong, there := passwords[wrongSecret]; !there || wrong == s.account.Password {
		t.Error("the wrong secret is missing or right")
	}
}

// applied returns the mode of each namespace, and the password of each pull secret for the host.
func applied(t *testing.T, input, host string) (modes, passwords map[string]string) {
	t.Helper()
	documents, err := document.Split([]byte(input))
	if err != nil {
		t.Fatalf("reading what was applied: %v", err)
	}
	modes, passwords = map[string]string{}, map[string]string{}
	for _, d := range documents {
		var object corev1.Secret
		decode(t, d.JSON, &object)
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
	s, _ := newTestStage(t, "cat >/dev/null; echo forbidden; exit 1")
	err := s.prepareNamespaces(t.Context())
	if err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("prepareNamespaces: got %v, want what kubectl said", err)
	}
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("decoding: %v", err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("reading file: %v", err)
	}
	return string(data)
}

// realDir is a temporary directory by its name without links, as a process in it sees it.
func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatalf("finding directory: %v", err)
	}
	return dir
}
