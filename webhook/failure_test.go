package webhook_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/parallel"
	"github.com/pullgate/pullgate/webhook/policy"
)

// TestUnreadableReview: the API server is told of a failed call, which its failurePolicy decides on, and never "not allowed".
func TestUnreadableReview(t *testing.T) {
	t.Parallel()
	const asJSON = "application/json"
	tests := map[string]struct{ contentType, body string }{
		"empty body":                {asJSON, ""},
		"no JSON":                   {asJSON, "s3cr3t"},
		"JSON that is cut off":      {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":`},
		"another kind":              {asJSON, `{"apiVersion":"v1","kind":"Pod"}`},
		"a version that is unknown": {asJSON, `{"apiVersion":"admission.k8s.io/v9","kind":"AdmissionReview"}`},
		"a field of another type":   {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":"s3cr3t"}`},
		"no request":                {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`},
		"a request that is null":    {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}`},
		"a request without a uid":   {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"name":"web"}}`},
		"another content type":      {"text/plain", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`},
		"no content type":           {"", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`},
		"too large":                 {asJSON, strings.Repeat(" ", 7<<20+1)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			got := f.serve(t, webhook.Path, test.contentType, test.body)
			if got.Code != http.StatusBadRequest {
				t.Errorf("status = %d, want 400", got.Code)
			}
			if diff := cmp.Diff("this is no admission review that can be read\n", got.Body.String()); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if len(f.checker.pods) != 0 {
				t.Errorf("the checker was asked about %v, want nothing", f.checker.pods)
			}
		})
	}
}

// panicElsewhere panics, to be recovered in another goroutine.
func panicElsewhere() { panic(errors.New("s3cr3t")) }

// TestPanic: a fault of Pullgate's own admits the object. What a panic says may hold a secret.
func TestPanic(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		panicking   any
		kind, stack string
	}{
		"error":           {errors.New("s3cr3t"), "*errors.errorString", "TestPanic"},
		"text":            {"s3cr3t", "string", "TestPanic"},
		"another routine": {parallel.Recover(panicElsewhere), "panic of *errors.errorString", "panicElsewhere"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			f.checker.panicking = test.panicking
			request := create("Pod", podOf(absent))
			want := admissionv1.AdmissionResponse{
				UID: request.UID, Allowed: true, Result: okStatus,
				Warnings: []string{"pullgate could not check the images: internal error"},
			}
			if diff := cmp.Diff(want, f.review(t, request)); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			lines := f.logLines(t)
			if len(lines) != 1 {
				t.Fatalf("log = %v, want one line", lines)
			}
			if lines[0]["level"] != "ERROR" || lines[0]["panic"] != test.kind || lines[0]["uid"] != string(request.UID) {
				t.Errorf("log = %v, want an error with the type %s", lines[0], test.kind)
			}
			if stack, _ := lines[0]["stack"].(string); !strings.Contains(stack, test.stack) {
				t.Errorf("stack = %s, want it to name %s", stack, test.stack)
			}
			if strings.Contains(f.log.String(), "s3cr3t") {
				t.Errorf("log = %s, which says what the panic said", &f.log)
			}
		})
	}
}
