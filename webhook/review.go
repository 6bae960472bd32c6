package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/policy"
)

// The version and kind of a review.
const (
	apiVersion = "admission.k8s.io/v1"
	reviewKind = "AdmissionReview"
)

var (
	errInvalidReview  = errors.New("request body is not a valid AdmissionReview")
	errOperation      = errors.New("the operation of the request is unknown")
	errOtherResource  = errors.New("kind and resource of the request differ in group or version")
	errOtherKind      = errors.New("request and object have different kinds")
	errOtherNamespace = errors.New("request and object have different namespaces")
)

// review is an AdmissionReview with the fields that a decision needs. A caller could fill other fields with millions of
// values, such as the extra fields of the user.
type review struct {
	APIVersion string                         `json:"apiVersion"`
	Kind       string                         `json:"kind"`
	Request    *request                       `json:"request,omitempty"`
	Response   *admissionv1.AdmissionResponse `json:"response,omitempty"`
}

// request is an AdmissionRequest.
type request struct {
	UID         types.UID                   `json:"uid"`
	Kind        metav1.GroupVersionKind     `json:"kind"`
	Resource    metav1.GroupVersionResource `json:"resource"`
	SubResource string                      `json:"subResource"`
	Name        string                      `json:"name"`
	Namespace   string                      `json:"namespace"`
	Operation   admissionv1.Operation       `json:"operation"`
	UserInfo    struct {
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	} `json:"userInfo"`
	Object    json.RawMessage `json:"object"`
	OldObject json.RawMessage `json:"oldObject"`
	DryRun    bool            `json:"dryRun"`

	// target is the decoded object, unless it is a namespace. Of an update it has only the changed images.
	target podspec.Object
	// labels are the labels of a namespace.
	labels map[string]string
	// problem is the reason why there is no target to check, or nil.
	problem error
}

// decodeReview decodes a review and its objects. The error is errInvalidReview, or nil.
func decodeReview(text []byte) (*request, error) {
	var r review
	if err := utiljson.Unmarshal(text, &r); err != nil {
		return nil, errInvalidReview
	}
	if r.APIVersion != apiVersion || r.Kind != reviewKind || r.Request == nil || !isUID(r.Request.UID) {
		return nil, errInvalidReview
	}
	req := r.Request
	if req.isNamespace() {
		req.labels = decodeLabels(req.Object)
	} else {
		req.target, req.problem = req.decodeTarget()
	}
	req.Object, req.OldObject = nil, nil // the check may take seconds, and needs only the target
	return req, nil
}

// uidPattern matches the UIDs of API servers, and shorter ones.
var uidPattern = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

func isUID(uid types.UID) bool { return uidPattern.MatchString(string(uid)) }

func (r *request) isNamespace() bool { return r.Kind.Group == "" && r.Kind.Kind == "Namespace" }

// subject returns the properties for which the request may be exempt.
func (r *request) subject() policy.Subject {
	return policy.Subject{
		Username: r.UserInfo.Username, Groups: r.UserInfo.Groups, Namespace: r.Namespace,
		RuntimeClass: r.target.RuntimeClassName(), PodLabels: r.target.PodLabels,
	}
}

// decodeTarget decodes the object of a request. The error matches what a caller may read.
func (r *request) decodeTarget() (podspec.Object, error) {
	switch r.Operation {
	case admissionv1.Create, admissionv1.Update:
	case admissionv1.Delete, admissionv1.Connect:
		return podspec.Object{}, nil
	default:
		return podspec.Object{}, errOperation
	}
	// A subresource may have a kind of another group, such as Scale.
	if r.SubResource == "" && (r.Kind.Group != r.Resource.Group || r.Kind.Version != r.Resource.Version) {
		return podspec.Object{}, errOtherResource
	}
	object, err := r.decodeObject(r.Object)
	if err != nil || r.Operation == admissionv1.Create {
		return object, err
	}
	old, err := r.decodeObject(r.OldObject)
	if err != nil {
		return podspec.Object{}, err
	}
	return object.ChangedSince(old), nil
}

// decodeObject decodes an object, which must be the one that the request describes.
func (r *request) decodeObject(raw []byte) (podspec.Object, error) {
	object, err := podspec.DecodeAtMost(raw, maxUses)
	switch {
	case errors.Is(err, podspec.ErrManyImages):
		err = errManyImages
	case err != nil:
	case object.Kind != r.Kind.Kind || object.APIVersion != schema.GroupVersion{Group: r.Kind.Group, Version: r.Kind.Version}.String():
		err = errOtherKind
	case object.Namespace != "" && object.Namespace != r.Namespace:
		err = errOtherNamespace
	}
	if err != nil {
		return podspec.Object{}, err
	}
	object.Pod.Namespace = r.Namespace
	return object, nil
}

// decodeLabels returns the labels of an object, or nil if it cannot be decoded.
func decodeLabels(raw []byte) map[string]string {
	var object struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	if utiljson.Unmarshal(raw, &object) != nil {
		return nil
	}
	return object.Metadata.Labels
}

// decodeHead returns a request with the UID and the namespace in the start of a review, as far as they are there. An API
// server sends them before the object. The problem is the reason why the rest was not decoded.
func decodeHead(head []byte, problem error) *request {
	req := &request{problem: problem}
	d := json.NewDecoder(bytes.NewReader(head))
	_ = eachMember(d, func(key string) error {
		if key != "request" {
			return d.Decode(&json.RawMessage{})
		}
		return eachMember(d, func(key string) error {
			switch key {
			case "uid":
				return d.Decode(&req.UID)
			case "namespace":
				return d.Decode(&req.Namespace)
			}
			return d.Decode(&json.RawMessage{})
		})
	})
	return req
}

// eachMember calls read with the key of each member of an object, up to the first error. It must read the value.
func eachMember(d *json.Decoder, read func(key string) error) error {
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errInvalidReview
	}
	for d.More() {
		key, _ := d.Token()
		name, ok := key.(string)
		if !ok {
			return errInvalidReview
		}
		if err := read(name); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}
