package manifests_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// render returns the objects of an overlay, as kustomize builds them. It supports the fields of type kustomization only. Package
// test/integration uses kustomize itself.
func render(t *testing.T, folder string) []unstructured.Unstructured {
	t.Helper()
	return renderOnto(t, folder, nil)
}

// renderOnto adds the resources of a folder to the objects, applies its components, and then its patches.
func renderOnto(t *testing.T, folder string, objects []unstructured.Unstructured) []unstructured.Unstructured {
	t.Helper()
	k := unmarshal[kustomization](t, filepath.Join(folder, "kustomization.yaml"))
	for _, resource := range k.Resources {
		path := filepath.Join(folder, resource)
		if !strings.HasSuffix(resource, ".yaml") {
			objects = append(objects, render(t, path)...)
			continue
		}
		object := unstructured.Unstructured{Object: map[string]any{}}
		if err := yaml.Unmarshal(read(t, path), &object.Object); err != nil {
			t.Fatalf("decoding %s: %v", path, err)
		}
		objects = append(objects, object)
	}
	for _, g := range k.ConfigMapGenerator {
		objects = append(objects, generate(t, folder, g))
	}
	for _, component := range k.Components {
		objects = renderOnto(t, filepath.Join(folder, component), objects)
	}
	for _, p := range k.Patches {
		applyPatch(t, filepath.Join(folder, p.Path), p.Target.Kind, p.Target.Name, objects)
	}
	return objects
}

// generate returns the ConfigMap of a generator, without the hash in its name.
func generate(t *testing.T, folder string, g configMapGenerator) unstructured.Unstructured {
	t.Helper()
	configMap := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: g.Name, Namespace: g.Namespace, Labels: g.Options.Labels},
		Data:       map[string]string{},
	}
	for _, name := range g.Files {
		configMap.Data[name] = string(read(t, filepath.Join(folder, name)))
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(configMap)
	if err != nil {
		t.Fatal(err)
	}
	return unstructured.Unstructured{Object: object}
}

// applyPatch applies a JSON patch to its target, or merges a patch without a target into the object that it names.
func applyPatch(t *testing.T, path, kind, name string, objects []unstructured.Unstructured) {
	t.Helper()
	patch, err := yaml.YAMLToJSON(read(t, path))
	if err != nil {
		t.Fatalf("decoding %s: %v", path, err)
	}
	apply := func(object []byte) ([]byte, error) { return jsonpatch.MergePatch(object, patch) }
	if kind == "" {
		kind, name = lineValue(t, path, "kind: "), lineValue(t, path, "  name: ")
	} else {
		apply = func(object []byte) ([]byte, error) {
			operations, err := jsonpatch.DecodePatch(patch)
			if err != nil {
				return nil, err
			}
			return operations.Apply(object)
		}
	}
	patched := 0
	for i, object := range objects {
		if object.GetKind() != kind || object.GetName() != name {
			continue
		}
		data, err := object.MarshalJSON()
		if err == nil {
			data, err = apply(data)
		}
		if err == nil {
			err = objects[i].UnmarshalJSON(data)
		}
		if err != nil {
			t.Fatalf("applying %s: %v", path, err)
		}
		patched++
	}
	if patched != 1 {
		t.Fatalf("%s patches %d objects, want 1", path, patched)
	}
}

// ofKind returns the objects of a kind.
func ofKind[T any](t *testing.T, objects []unstructured.Unstructured, kind string) []T {
	t.Helper()
	var out []T
	for _, object := range objects {
		if object.GetKind() != kind {
			continue
		}
		var typed T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &typed, true); err != nil {
			t.Fatal(fmt.Errorf("%s %s: %w", kind, object.GetName(), err))
		}
		out = append(out, typed)
	}
	return out
}
