package podspec

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// ErrNoPods means that objects of this kind neither are nor make pods.
var ErrNoPods = errors.New("this kind of object has no pods")

var (
	errSyntax    = errors.New("not valid JSON")
	errNotObject = errors.New("not a JSON object")
	errNoKind    = errors.New("apiVersion or kind is missing")
	errValue     = errors.New("a field holds a value that its type does not allow")
)

// Decode reads one object from JSON. The error matches [ErrNoPods] for a kind without pods; any other error says in our
// own words why the object can't be read, with the path of the field where that is known.
//
// It reads as the API server does: names of fields are case-sensitive, and unknown ones are ignored, since the object
// may be of a newer API than ours.
func Decode(raw []byte) (Object, error) {
	var kind metav1.TypeMeta
	if err := unmarshal(raw, &kind); err != nil {
		return Object{}, fmt.Errorf("reading object: %w", err)
	}
	if kind.APIVersion == "" || kind.Kind == "" {
		return Object{}, fmt.Errorf("reading object: %w", errNoKind)
	}
	workload, ok := workloads()[kind]
	if !ok {
		return Object{}, ErrNoPods
	}
	meta, spec, err := workload.read(raw)
	if err != nil {
		return Object{}, fmt.Errorf("reading %s: %w", kind.Kind, err)
	}
	return newObject(kind, meta).withSpec(workload.path, spec), nil
}

func newObject(kind metav1.TypeMeta, meta metav1.Object) Object {
	object := Object{
		APIVersion: kind.APIVersion,
		Kind:       kind.Kind,
		Namespace:  meta.GetNamespace(),
		Name:       meta.GetName(),
		Template:   kind != core("Pod"),
		Deleting:   meta.GetDeletionTimestamp() != nil,
		Pod:        imagepull.Pod{Namespace: meta.GetNamespace()},
	}
	if object.Name == "" {
		object.Name = meta.GetGenerateName()
	}
	if !object.Template {
		_, object.Mirror = meta.GetAnnotations()[corev1.MirrorPodAnnotationKey]
	}
	return object
}

func (o Object) withSpec(path string, spec *corev1.PodSpec) Object {
	if spec == nil {
		return o
	}
	o.Spec = spec
	o.Pod.Uses = uses(path, spec)
	o.Pod.PullSecrets = pullSecrets(spec)
	if o.Template {
		o.Pod.Uses = slices.DeleteFunc(o.Pod.Uses, isPlaceholder)
		o.Pod.ServiceAccount = pullServiceAccount(spec)
	}
	return o
}

// unmarshal decodes as the API server does, and turns the library's errors into our own words: its texts quote the
// object.
func unmarshal(raw []byte, into any) error {
	err := utiljson.Unmarshal(raw, into)
	var mistyped *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case !json.Valid(raw):
		return errSyntax
	case !errors.As(err, &mistyped):
		return errValue
	case mistyped.Field == "":
		return errNotObject
	}
	// The path is made of the names in our own types, never of the object's keys.
	return fmt.Errorf("field %s has the wrong type", mistyped.Field)
}
