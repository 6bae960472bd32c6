package webhook_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/policy"
)

// The API server treats a 400 as a failed call and applies the failurePolicy.
func TestInvalidReviewIsABadRequest(t *testing.T) {
	t.Parallel()
	const asJSON = "application/json"
	tests := map[string]struct{ contentType, body string }{
		"empty body":                {asJSON, ""},
		"not JSON":                  {asJSON, "s3cr3t"},
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
			if diff := cmp.Diff("request body is not a valid AdmissionReview\n", got.Body.String()); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if len(f.checker.pods) != 0 {
				t.Errorf("the checker was called with %v, want no call", f.checker.pods)
			}
		})
	}
}
