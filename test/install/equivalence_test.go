//go:build install

package install

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pullgate/pullgate/webhook/config"
)

// TestChartRendersTheObjectsOfTheOverlays compares the chart with kustomize, object by object and field by field. These
// differences are removed before:
//
//   - Helm's labels: app.kubernetes.io/instance, app.kubernetes.io/managed-by, app.kubernetes.io/version and helm.sh/chart.
//   - The name of the ConfigMap, to which kustomize appends a hash, and the annotation checksum/config of the pods, which has the
//     same purpose in the chart. The content of the ConfigMap is compared as Pullgate reads it, without comments.
//   - The empty Secret pullgate-certs. A release owns it, so that it is deleted with the release. With kustomize, Pullgate creates
//     it, and the deletion of the Namespace deletes it.
func TestChartRendersTheObjectsOfTheOverlays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ folder, values string }{
		"self-signed":        {"manifests/self-signed", ""},
		"cert-manager":       {"manifests/cert-manager", "certificates: {source: cert-manager}"},
		"all namespaces":     {"manifests/all-namespaces", "allNamespaces: true"},
		"namespaced secrets": {"manifests/namespaced-secrets", "rights: {namespacedSecrets: true}"},
		"cert-manager, all namespaces, namespaced secrets": {
			"test/install/overlays/combined",
			"{certificates: {source: cert-manager}, allNamespaces: true, rights: {namespacedSecrets: true}}",
		},
		"Events":    {"manifests/denial-events", "denialEvents: true"},
		"OpenShift": {"test/install/overlays/openshift", "openshift: true"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := commandLine{home: t.TempDir()}
			want := normalized(t, c.kustomize(t, filepath.Join(root, tc.folder)))
			got := normalized(t, c.must(t, c.template(t, tc.values, "--set=createNamespace=true")))
			delete(got, "Secret "+namespace+"/pullgate-certs")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("objects (-kustomize +chart):\n%s", diff)
			}
		})
	}
}

// hash matches the suffix that kustomize appends to the name of a generated ConfigMap.
var hash = regexp.MustCompile(`^(pullgate-config)-[a-z0-9]{10}$`)

// normalized returns the objects by kind, namespace and name, without the differences above.
func normalized(t *testing.T, stream string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, object := range objects(t, stream) {
		labels := object.GetLabels()
		maps.DeleteFunc(labels, func(name, _ string) bool {
			switch name {
			case "app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart":
				return true
			}
			return false
		})
		object.SetLabels(labels)
		switch object.GetKind() {
		case "ConfigMap":
			object.SetName(hash.ReplaceAllString(object.GetName(), "$1"))
			normalizeConfiguration(t, object)
		case "Deployment":
			normalizeDeployment(t, object)
		}
		key := fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())
		if all[key] != nil {
			t.Errorf("%s is rendered twice", key)
		}
		all[key] = object.Object
	}
	return all
}

func normalizeConfiguration(t *testing.T, object unstructured.Unstructured) {
	t.Helper()
	text, _, err := unstructured.NestedString(object.Object, "data", "config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load([]byte(text))
	if err != nil {
		t.Fatalf("loading the configuration: %v", err)
	}
	object.Object["data"] = map[string]any{"config.yaml": c}
}

func normalizeDeployment(t *testing.T, object unstructured.Unstructured) {
	t.Helper()
	unstructured.RemoveNestedField(object.Object, "spec", "template", "metadata", "annotations", "checksum/config")
	annotations, _, err := unstructured.NestedMap(object.Object, "spec", "template", "metadata", "annotations")
	if err != nil {
		t.Fatal(err)
	}
	if len(annotations) == 0 {
		unstructured.RemoveNestedField(object.Object, "spec", "template", "metadata", "annotations")
	}
	volumes, _, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "volumes")
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range volumes {
		volume, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("volume %d is not an object", i)
		}
		if source, ok := volume["configMap"].(map[string]any); ok {
			source["name"] = hash.ReplaceAllString(fmt.Sprint(source["name"]), "$1")
		}
	}
	if err := unstructured.SetNestedSlice(object.Object, volumes, "spec", "template", "spec", "volumes"); err != nil {
		t.Fatal(err)
	}
}
