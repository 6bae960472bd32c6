package webhook_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/pullgate/pullgate/webhook/policy"
)

func TestUnknownModeLabelIsAdmittedWithAWarning(t *testing.T) {
	t.Parallel()
	namespace := func(labels string) string {
		return `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":` + labels + `}}`
	}
	const warning = `label pullgate.dev/mode: %q is not one of enforce, warn, audit, off; it acts as warn`
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
		"a typo":         {create("Namespace", namespace(`{"pullgate.dev/mode":"enforced"}`)), []string{fmt.Sprintf(warning, "enforced")}},
		"another case":   {create("Namespace", namespace(`{"pullgate.dev/mode":"Warn"}`)), []string{fmt.Sprintf(warning, "Warn")}},
		"empty":          {create("Namespace", namespace(`{"pullgate.dev/mode":""}`)), []string{fmt.Sprintf(warning, "")}},
		"on an update": {
			update("Namespace", namespace("null"), namespace(`{"pullgate.dev/mode":"on"}`)), []string{fmt.Sprintf(warning, "on")},
		},
		"control characters": {create("Namespace", namespace(`{"pullgate.dev/mode":"\n"}`)), []string{fmt.Sprintf(warning, "\n")}},
		"not a namespace":    {create("Namespace", `"text"`), nil},
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

func TestNamespaceOfAnotherGroupIsAnOrdinaryObject(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeEnforce)
	request := create("Namespace", `{"apiVersion":"example.com/v1","kind":"Namespace"}`)
	request.Kind.Group, request.Resource.Group = "example.com", "example.com"
	got := f.review(t, request)
	if diff := cmp.Diff([]string{"pullgate could not check the images: this kind of object has no pods"}, got.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
