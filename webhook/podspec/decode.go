package podspec

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

var (
	// ErrNoPods means that the object is not a pod and does not create pods.
	ErrNoPods = errors.New("this kind of object has no pods")
	// ErrManyImages means that the object has more images than [DecodeAtMost] may parse.
	ErrManyImages = errors.New("the object has too many images")
)

var (
	errSyntax    = errors.New("not valid JSON")
	errNotObject = errors.New("not a JSON object")
	errNoKind    = errors.New("apiVersion or kind is missing")
)

// Decode decodes one object from JSON. The error matches [ErrNoPods] for a kind without pods. Any other error describes the
// mistake without quoting the object, with the path of the field if it is known.
//
// As in the API server, field names are case-sensitive and unknown fields are ignored: the object may use a newer API.
// Fields without an effect on pulls are not decoded.
func Decode(raw []byte) (Object, error) { return DecodeAtMost(raw, math.MaxInt) }

// DecodeAtMost is like [Decode] for an object of an untrusted author: the error is [ErrManyImages] if the object has more than this
// number of images. It counts them before it parses the first name, since parsing costs more than decoding.
func DecodeAtMost(raw []byte, images int) (Object, error) {
	var d document
	// After a field of the wrong type, the other fields are still decoded, such as the kind.
	err := unmarshal(raw, &d)
	found, hasPods := d.pods()
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
	if found.countUses() > images {
		return Object{}, ErrManyImages
	}
	return newObject(&d).withPods(found), nil
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
	if i := slices.IndexFunc(d.Metadata.OwnerReferences, isController); i >= 0 {
		object.Controller = &d.Metadata.OwnerReferences[i]
	}
	object.Mirror = !object.Template && d.Metadata.Annotations.Mirror != nil
	return object
}

func isController(o metav1.OwnerReference) bool { return o.Controller != nil && *o.Controller }

func (o Object) withPods(found pods) Object {
	o.Spec = found.spec.reduced()
	o.PodLabels = found.metadata.Labels
	o.Pod.Uses = found.uses()
	o.Pod.PullSecrets = pullSecrets(o.Spec)
	if !o.Template {
		o.RuntimeClass, o.Spec.RuntimeClassName = o.Spec.RuntimeClassName, nil
		return o
	}
	o.Pod.Uses = slices.DeleteFunc(o.Pod.Uses, isBlank)
	o.Pod.BeforeAdmission = true
	o.Pod.ServiceAccount = pullServiceAccount(o.Spec)
	return o
}

// unmarshal decodes as in the API server. It replaces the texts of the library's errors, which quote the object.
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
	// The path consists of field names of this package's types, not of the object's keys.
	return fmt.Errorf("field %s has the wrong type", mistyped.Field)
}
