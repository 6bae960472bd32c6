package podspec

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// An upgrade of the API may add a field with an image, or a kind with a pod template. Until package podspec reads it, its images
// are not checked.

func TestEveryImageOfAPodIsKnown(t *testing.T) {
	t.Parallel()
	want := []string{
		"containers.image", "containers.imagePullPolicy",
		"ephemeralContainers.image", "ephemeralContainers.imagePullPolicy",
		"imagePullSecrets.name",
		"initContainers.image", "initContainers.imagePullPolicy",
		"volumes.image.pullPolicy", "volumes.image.reference",
		"volumes.rbd.image", // a block device
	}
	var got []string
	walk(reflect.TypeFor[corev1.PodSpec](), "", nil, func(path string, field reflect.StructField) {
		if strings.Contains(strings.ToLower(path), "image") && field.Type.Kind() == reflect.String {
			got = append(got, path)
		}
	})
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields with an image (-want +got):\n%s", diff)
	}
}

func TestEveryKindWithPodsIsKnown(t *testing.T) {
	t.Parallel()
	var want, got []string
	for kind := range kinds {
		want = append(want, kind.Kind)
	}
	for kind, typ := range scheme.Scheme.AllKnownTypes() {
		hasPods := false
		walk(typ, "", nil, func(_ string, field reflect.StructField) {
			hasPods = hasPods || field.Type == reflect.TypeFor[corev1.PodSpec]()
		})
		if hasPods && !strings.HasSuffix(kind.Kind, "List") && !slices.Contains(got, kind.Kind) {
			got = append(got, kind.Kind)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds with pods (-read +in the API):\n%s", diff)
	}
}

// walk calls visit for each field of a type and of the types that it contains, with the path of the field in JSON.
func walk(typ reflect.Type, path string, outer []reflect.Type, visit func(path string, field reflect.StructField)) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || slices.Contains(outer, typ) {
		return
	}
	outer = append(slices.Clip(outer), typ)
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		below := path
		if name != "" {
			below = strings.TrimPrefix(path+"."+name, ".")
		}
		visit(below, field)
		walk(field.Type, below, outer, visit)
	}
}
