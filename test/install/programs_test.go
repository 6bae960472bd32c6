//go:build install

package install

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pullgate/pullgate/webhook/document"
)

// root is the top level of the repository, and chart the folder of the chart.
const (
	root      = "../.."
	chart     = root + "/manifests/chart"
	namespace = "pullgate-system"
)

// commandLine runs programs without the user's own configuration.
type commandLine struct {
	// home has the caches of helm and kubectl. Kubeconfig may be empty.
	home, kubeconfig string
}

// result is the result of a program.
type result struct {
	stdout, stderr string
	err            error
}

// run runs a program that the Makefile builds. Stdin may be empty.
func (c commandLine) run(t *testing.T, stdin, path string, args ...string) result {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run \"make test-install\", which builds it", err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.home, "KUBECONFIG=" + c.kubeconfig}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	return result{stdout.String(), stderr.String(), err}
}

// must returns the output of a command that succeeds without a warning.
func (c commandLine) must(t *testing.T, r result) string {
	t.Helper()
	if r.err != nil || strings.Contains(strings.ToLower(r.stderr), "warning") {
		t.Fatalf("%v\n%s%s", r.err, r.stdout, r.stderr)
	}
	return r.stdout
}

func (c commandLine) helm(t *testing.T, args ...string) result {
	t.Helper()
	return c.run(t, "", filepath.Join(root, "bin", "helm"), args...)
}

func (c commandLine) kubectl(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return c.run(t, stdin, filepath.Join(assets(), "kubectl"), args...)
}

func (c commandLine) kustomize(t *testing.T, folder string) string {
	t.Helper()
	return c.must(t, c.run(t, "", filepath.Join(root, "bin", "kustomize"), "build", folder))
}

// template renders the chart for the namespace of the manifests. Values are YAML.
func (c commandLine) template(t *testing.T, values string, args ...string) result {
	t.Helper()
	args = append([]string{"template", "pullgate", chart, "--skip-tests", "--namespace=" + namespace, "--values=-"}, args...)
	return c.run(t, values, filepath.Join(root, "bin", "helm"), args...)
}

// assets returns the directory of the control plane's programs.
func assets() string {
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" {
		return dir
	}
	return filepath.Join(root, "bin", "assets")
}

// objects decodes a stream of YAML documents.
func objects(t *testing.T, stream string) []unstructured.Unstructured {
	t.Helper()
	documents, err := document.Split([]byte(stream))
	if err != nil {
		t.Fatalf("decoding objects: %v", err)
	}
	var all []unstructured.Unstructured
	for _, d := range documents {
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(d.JSON); err != nil {
			t.Fatalf("decoding the object at line %d: %v", d.Line, err)
		}
		all = append(all, object)
	}
	return all
}
