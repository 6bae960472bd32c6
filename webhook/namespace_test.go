package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/policy"
)

var (
	errNotCached   = errors.New("not in the cache")
	errUnreachable = errors.New("the API server does not answer")
)

// namespaces is a client.Reader of namespaces, by the value of their mode label; "-" stands for none.
type namespaces struct {
	labels map[string]string
	err    error
	asked  *[]string
}

func (n namespaces) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	*n.asked = append(*n.asked, key.String())
	meta, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok || meta.GroupVersionKind() != (schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}) {
		return fmt.Errorf("asked for a %T of %s", obj, obj.GetObjectKind().GroupVersionKind())
	}
	label, ok := n.labels[key.Name]
	if !ok {
		return n.err
	}
	if label != "-" {
		meta.Labels = map[string]string{"pullgate.dev/mode": label}
	}
	return nil
}

func (namespaces) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.ErrUnsupported
}

func TestNamespaceModes(t *testing.T) {
	t.Parallel()
	cached := map[string]string{"strict": "enforce", "plain": "-", "odd": "enforced", "none": "off"}
	live := map[string]string{"strict": "off", "newborn": "audit"}
	tests := map[string]struct {
		namespace string
		want      policy.Mode
		err       error
		live      bool
	}{
		"labelled":                       {"strict", policy.ModeEnforce, nil, false},
		"switched off":                   {"none", policy.ModeOff, nil, false},
		"unlabelled":                     {"plain", policy.ModeAudit, nil, false},
		"label that is no mode":          {"odd", policy.ModeWarn, nil, false},
		"too young for the cache":        {"newborn", policy.ModeAudit, nil, true},
		"unknown to both":                {"gone", "", errUnreachable, true},
		"no name, as of a cluster's own": {"", "", errUnreachable, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var askedCache, askedLive []string
			m := webhook.NamespaceModes{
				Cache:      namespaces{cached, errNotCached, &askedCache},
				Live:       namespaces{live, errUnreachable, &askedLive},
				Unlabelled: policy.ModeAudit,
			}
			got, err := m.Mode(t.Context(), test.namespace)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("Mode() = %q, %v, want %q, %v", got, err, test.want, test.err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "reading namespace "+test.namespace+": ") {
				t.Errorf("Mode() error = %q, want it to name the namespace", err)
			}
			if (len(askedLive) > 0) != test.live || len(askedCache) != 1 {
				t.Errorf("asked the cache for %q and the API server for %q, want the latter: %t", askedCache, askedLive, test.live)
			}
		})
	}
}

// TestNamespaceLabel: whoever sets a mode that does not exist is told, and the namespace stored all the same.
func TestNamespaceLabel(t *testing.T) {
	t.Parallel()
	namespace := func(labels string) string {
		return `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":` + labels + `}}`
	}
	const complaint = `label pullgate.dev/mode: %q is none of enforce, warn, audit, off; it acts as warn`
	deletion := create("Namespace", "")
	deletion.Operation = admissionv1.Delete
	tests := map[string]struct {
		request admissionv1.AdmissionRequest
		want    []string
	}{
		"without labels": {create("Namespace", namespace("null")), nil},
		"another label":  {create("Namespace", namespace(`{"mode":"enforced"}`)), nil},
		"enforce":        {create("Namespace", namespace(`{"pullgate.dev/mode":"enforce"}`)), nil},
		"off":            {create("Namespace", namespace(`{"pullgate.dev/mode":"off"}`)), nil},
		"a slip":         {create("Namespace", namespace(`{"pullgate.dev/mode":"enforced"}`)), []string{fmt.Sprintf(complaint, "enforced")}},
		"another case":   {create("Namespace", namespace(`{"pullgate.dev/mode":"Warn"}`)), []string{fmt.Sprintf(complaint, "Warn")}},
		"empty":          {create("Namespace", namespace(`{"pullgate.dev/mode":""}`)), []string{fmt.Sprintf(complaint, "")}},
		"on an update": {
			update("Namespace", namespace("null"), namespace(`{"pullgate.dev/mode":"on"}`)), []string{fmt.Sprintf(complaint, "on")},
		},
		"control characters": {create("Namespace", namespace(`{"pullgate.dev/mode":"\n"}`)), []string{fmt.Sprintf(complaint, "\n")}},
		"no namespace":       {create("Namespace", `"text"`), nil},
		"deletion":           {deletion, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			got := f.review(t, test.request)
			want := admissionv1.AdmissionResponse{UID: test.request.UID, Allowed: true, Result: okStatus, Warnings: test.want}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNamespaceOfAnotherGroup is an object like any other.
func TestNamespaceOfAnotherGroup(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeEnforce)
	request := create("Namespace", `{"apiVersion":"example.com/v1","kind":"Namespace"}`)
	request.Kind.Group = "example.com"
	got := f.review(t, request)
	if diff := cmp.Diff([]string{"pullgate could not check the images: this kind of object has no pods"}, got.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestReduceNamespace(t *testing.T) {
	t.Parallel()
	meta := webhook.NewNamespaceMetadata()
	meta.Name, meta.UID, meta.ResourceVersion = "shop", "705ab4f5", "7"
	meta.Labels = map[string]string{"pullgate.dev/mode": "warn"}
	want := meta.DeepCopy()
	meta.Annotations = map[string]string{"notes": "long"}
	meta.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	meta.Finalizers = []string{"example.com/a"}
	got, err := webhook.ReduceNamespace(meta)
	if diff := cmp.Diff(any(want), got); diff != "" || err != nil {
		t.Errorf("ReduceNamespace() = %v (-want +got):\n%s", err, diff)
	}
	// An informer may hand over what it has heard of a deletion.
	if got, err := webhook.ReduceNamespace("gone"); got != "gone" || err != nil {
		t.Errorf("ReduceNamespace() = %v, %v; want what was given", got, err)
	}
}
