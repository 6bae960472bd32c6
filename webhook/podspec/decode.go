package podspec

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// ErrNoPods means that objects of this kind neither are nor make pods.
var ErrNoPods = errors.New("this kind of object has no pods")

var (
	errSyntax    = errors.New("not valid JSON")
	errNotObject = errors.New("not a JSON object")
	errNoKind    = errors.New("apiVersion or kind is missing")
)

// Decode reads one object from JSON. The error matches [ErrNoPods] for a kind without pods; any other error says in our
// own words why the object can't be read, with the path of the field where that is known.
//
// It reads as the API server does: names of fields are case-sensitive, and unknown ones are ignored, since the object
// may be of a newer API than ours. Fields that have no say in pulls are ignored too, whatever is in them.
func Decode(raw []byte) (Object, error) {
	var d document
	// A field of the wrong type does not keep the others from being read, such as the kind.
	err := unmarshal(raw, &d)
	found, path, hasPods := d.podSpec()
	incomplete := d.APIVersion == "" || d.Kind == ""
	if err == nil && incomplete {
		err = errNoKind
	}
	switch {
	case incomplete:
		return Object{}, fmt.Errorf("reading object: %w", err)
	case !hasPods:
		return Object{}, ErrNoPods
	case err != nil:
		return Object{}, fmt.Errorf("reading %s: %w", d.Kind, err)
	}
	return newObject(&d).withSpec(path, found), nil
}

func newObject(d *document) Object {
	object := Object{
		APIVersion: d.APIVersion,
		Kind:       d.Kind,
		Namespace:  d.Metadata.Namespace,
		Name:       d.Metadata.Name,
		Template:   d.kind() != core("Pod"),
		Deleting:   d.Metadata.DeletionTimestamp != nil,
		Pod:        imagepull.Pod{Namespace: d.Metadata.Namespace},
	}
	if object.Name == "" {
		object.Name = d.Metadata.GenerateName
	}
	object.Mirror = !object.Template && d.Metadata.Annotations.Mirror != nil
	return object
}

func (o Object) withSpec(path string, found *spec) Object {
	o.Spec = found.reduced()
	o.Pod.Uses = uses(path, found)
	o.Pod.PullSecrets = pullSecrets(o.Spec)
	if !o.Template {
		o.RuntimeClass, o.Spec.RuntimeClassName = o.Spec.RuntimeClassName, nil
		return o
	}
	o.Pod.Uses = slices.DeleteFunc(o.Pod.Uses, isPlaceholder)
	o.Pod.ServiceAccount = pullServiceAccount(o.Spec)
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
	case !errors.As(err, &mistyped):
		return errSyntax
	case mistyped.Field == "":
		return errNotObject
	}
	// The path is made of the names in our own types, never of the object's keys.
	return fmt.Errorf("field %s has the wrong type", mistyped.Field)
}
