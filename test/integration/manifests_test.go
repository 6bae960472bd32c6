package integration

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// manifests are the objects of one overlay, in the order of their application.
type manifests []*unstructured.Unstructured

// render returns the objects of an overlay, built with kustomize as in the installation guide.
func render(t *testing.T, overlay string) manifests {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), kustomize(), "build", filepath.Join("..", "..", "manifests", overlay))
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("rendering manifests/%s with %s (make bin/kustomize): %v\n%s", overlay, kustomize(), err, stderr.Bytes())
	}
	var all manifests
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(out), 4096)
	for {
		object := &unstructured.Unstructured{}
		switch err := decoder.Decode(object); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatalf("reading manifests/%s: %v", overlay, err)
		}
		all = append(all, object)
	}
}

// kustomize returns the path of the program.
func kustomize() string { return variable("KUSTOMIZE", filepath.Join("..", "..", "bin", "kustomize")) }

// apply creates the objects. A warning ends the test.
func (e *environment) apply(t *testing.T, objects manifests) {
	t.Helper()
	for _, object := range objects {
		if got := e.caller(t).create(object); got.err != nil || len(got.warnings) > 0 {
			t.Fatalf("creating %s %s: %v, warnings %q", object.GetKind(), object.GetName(), got.err, got.warnings)
		}
	}
}

const webhookKind = "ValidatingWebhookConfiguration"

// withoutWebhooks returns the objects that Pullgate needs to start.
func (m manifests) withoutWebhooks() manifests {
	return slices.DeleteFunc(slices.Clone(m), func(o *unstructured.Unstructured) bool { return o.GetKind() == webhookKind })
}

// webhooksAt returns the shipped webhook configuration with a URL instead of the Service.
func (m manifests) webhooksAt(t *testing.T, url string) manifests {
	t.Helper()
	var c admissionregistrationv1.ValidatingWebhookConfiguration
	m.decode(t, webhookKind, &c)
	for i := range c.Webhooks {
		c.Webhooks[i].ClientConfig = admissionregistrationv1.WebhookClientConfig{URL: &url}
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&c)
	if err != nil {
		t.Fatal(err)
	}
	return manifests{{Object: object}}
}

func (m manifests) deployment(t *testing.T) appsv1.Deployment {
	t.Helper()
	var d appsv1.Deployment
	m.decode(t, "Deployment", &d)
	return d
}

func (m manifests) configMap(t *testing.T) corev1.ConfigMap {
	t.Helper()
	var c corev1.ConfigMap
	m.decode(t, "ConfigMap", &c)
	return c
}

// decode decodes the only object of this kind.
func (m manifests) decode(t *testing.T, kind string, into client.Object) {
	t.Helper()
	found := 0
	for _, object := range m {
		if object.GetKind() != kind {
			continue
		}
		found++
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true); err != nil {
			t.Fatalf("reading the %s of the manifests: %v", kind, err)
		}
	}
	if found != 1 {
		t.Fatalf("the manifests have %d objects of kind %s, want 1", found, kind)
	}
}

// testInstallation checks that the API server accepts every overlay without warnings. It leaves out the objects of cert-manager,
// whose kinds this API server does not have.
func testInstallation(t *testing.T, e *environment) {
	for _, overlay := range []string{"self-signed", "all-namespaces", "cert-manager"} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			for _, object := range render(t, overlay) {
				if object.GroupVersionKind().Group == "cert-manager.io" {
					continue
				}
				got := e.caller(t).create(object, client.DryRunAll)
				if got.err != nil && !apierrors.IsAlreadyExists(got.err) || len(got.warnings) > 0 {
					t.Errorf("creating %s %s: %v, warnings %q", object.GetKind(), object.GetName(), got.err, got.warnings)
				}
			}
		})
	}
}
