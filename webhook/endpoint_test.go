package webhook_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

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
		"a uid that is a number":    {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":7}}`},
		"a uid with a line end":     {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1\n2"}}`},
		"a long uid":                {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"` + strings.Repeat("1", 65) + `"}}`},
		"an older version":          {asJSON, `{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"1"}}`},
		"YAML":                      {asJSON, "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest: {uid: 1}\n"},
		"JSON after a space":        {asJSON, ` {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`},
		"deep nesting without uid":  {asJSON, `{"request":` + strings.Repeat("[", 600<<10)},
		"another content type":      {"text/plain", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`},
		"no content type":           {"", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`},
		"too large, without a uid":  {asJSON, "{" + strings.Repeat(" ", 7<<20)},
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
			if diff := cmp.Diff([]webhook.Observation{{Refused: true}}, f.observed); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
		})
	}
}

// A review that the API server may send is admitted even if it exceeds a bound, also with failurePolicy Fail.
func TestReviewBeyondABoundIsAdmittedWithAWarning(t *testing.T) {
	t.Parallel()
	annotated := func(text string) string {
		return podWith(map[string]any{"annotations": map[string]any{"a": text}}, absent)
	}
	with := func(member string) string {
		return strings.Replace(podOf(absent), `"spec":{`, `"spec":{`+member+`,`, 1)
	}
	large := annotated(strings.Repeat("\x01", 1<<20)) // 6 MiB, since JSON has six characters for each
	tests := map[string]struct {
		request admissionv1.AdmissionRequest
		want    string
	}{
		"two large objects of an update": {update("Pod", large, large), "the request is larger than 7 MiB"},
		"a long string":                  {create("Pod", annotated(strings.Repeat("x", 2<<20+1))), "the request has a string longer than 2 MiB"},
		"deep nesting": {
			create("Pod", with(`"x":`+strings.Repeat("[", 99)+strings.Repeat("]", 99))), "the request is nested deeper than 100 levels",
		},
		"600 kB of containers": {
			create("Pod", with(`"initContainers":[`+strings.Repeat("{},", 200_000)+`{}]`)), "the request has too many values",
		},
		"1001 images": {create("Pod", podOf(repeat(absent, 1001)...)), "the object has more than 1000 images"},
	}
	for name, test := range tests {
		for mode, warned := range map[policy.Mode]bool{policy.ModeEnforce: true, policy.ModeAudit: false, policy.ModeOff: false} {
			t.Run(name+", mode "+string(mode), func(t *testing.T) {
				t.Parallel()
				f := newFixture(mode)
				want := admissionv1.AdmissionResponse{UID: test.request.UID, Allowed: true, Result: okStatus}
				if warned {
					want.Warnings = []string{"pullgate could not check the images: " + test.want}
				}
				if diff := cmp.Diff(want, f.review(t, test.request)); diff != "" {
					t.Errorf("response (-want +got):\n%s", diff)
				}
				if len(f.checker.pods) != 0 {
					t.Error("the checker was called, want no call")
				}
				if warned || mode == policy.ModeAudit {
					wantObserved(t, f, webhook.CauseBound)
				}
				if f.log.Len() > 1024 {
					t.Errorf("the log has %d bytes, want at most 1024", f.log.Len())
				}
			})
		}
	}
}

func repeat(s string, n int) []string { return slices.Repeat([]string{s}, n) }

// These reviews are larger than most, and are decided on.
func TestReviewWithinTheBoundsIsChecked(t *testing.T) {
	t.Parallel()
	ports := `"ports":[` + strings.Repeat(`{"containerPort":8080,"protocol":"UDP"},`, 10_000) + `{"containerPort":1}],`
	tests := map[string]string{
		"1000 images":    podOf(repeat(good, 1000)...),
		"10,000 ports":   strings.Replace(podOf(good), `"image":`, ports+`"image":`, 1),
		"a long string":  podWith(map[string]any{"annotations": map[string]any{"a": strings.Repeat("x", 1<<20)}}, good),
		"deep nesting":   strings.Replace(podOf(good), `"spec":{`, `"spec":{"x":`+strings.Repeat("[", 90)+strings.Repeat("]", 90)+`,`, 1),
		"escaped quotes": podWith(map[string]any{"annotations": map[string]any{"a": `\"[[[\`, "b": `{{{`}}, good),
	}
	for name, pod := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			got := f.review(t, create("Pod", pod))
			if !got.Allowed || len(got.Warnings) != 0 || len(f.checker.pods) != 1 {
				t.Errorf("response = %v after %d checks, want one check without a warning", got, len(f.checker.pods))
			}
		})
	}
}

func TestRequestMustAgreeWithItsObject(t *testing.T) {
	t.Parallel()
	changed := func(change func(*admissionv1.AdmissionRequest)) admissionv1.AdmissionRequest {
		request := create("Pod", podWith(map[string]any{"namespace": "shop"}, absent))
		change(&request)
		return request
	}
	const otherKind = "request and object have different kinds"
	const otherSpace = "request and object have different namespaces"
	tests := map[string]struct {
		request admissionv1.AdmissionRequest
		want    string
	}{
		"unknown operation":   {changed(func(r *admissionv1.AdmissionRequest) { r.Operation = "PATCH" }), "the operation of the request is unknown"},
		"no operation":        {changed(func(r *admissionv1.AdmissionRequest) { r.Operation = "" }), "the operation of the request is unknown"},
		"another kind":        {changed(func(r *admissionv1.AdmissionRequest) { r.Kind.Kind = "PodTemplate" }), otherKind},
		"another version":     {changed(func(r *admissionv1.AdmissionRequest) { r.Kind.Version, r.Resource.Version = "v2", "v2" }), otherKind},
		"another group":       {changed(func(r *admissionv1.AdmissionRequest) { r.Kind.Group, r.Resource.Group = "apps", "apps" }), otherKind},
		"another resource":    {changed(func(r *admissionv1.AdmissionRequest) { r.Resource.Group = "apps" }), "kind and resource of the request differ in group or version"},
		"another namespace":   {create("Pod", podWith(map[string]any{"namespace": "bank"}, absent)), otherSpace},
		"another kind before": {update("Pod", `{"apiVersion":"v1","kind":"PodTemplate"}`, podOf(absent)), otherKind},
		"another namespace before": {
			update("Pod", podWith(map[string]any{"namespace": "bank"}, good), podOf(absent)), otherSpace,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			got := f.review(t, test.request)
			if diff := cmp.Diff([]string{"pullgate could not check the images: " + test.want}, got.Warnings); diff != "" || !got.Allowed {
				t.Errorf("allowed: %t, warnings (-want +got):\n%s", got.Allowed, diff)
			}
			if len(f.checker.pods) != 0 {
				t.Error("the checker was called, want no call")
			}
			wantObserved(t, f, webhook.CauseObject)
		})
	}
}

// A review of four megabytes must not fill the log.
func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	const long = 1 << 20
	for name, test := range map[string]struct {
		mode  policy.Mode
		bytes int
	}{
		"checked": {policy.ModeEnforce, 32 << 10}, "unknown namespace": {"", 4 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			request := create("Pod", podOf(repeat(strings.Repeat("x", 1000), 1000)...))
			request.Name, request.UserInfo.Username = strings.Repeat("n", long), strings.Repeat("u", long)
			if test.mode == "" {
				request.Namespace, request.Kind.Kind = strings.Repeat("s", long), strings.Repeat("k", long)
			}
			f.review(t, request)
			if got := f.log.Len(); got == 0 || got > test.bytes {
				t.Errorf("the log has %d bytes, want at most %d", got, test.bytes)
			}
		})
	}
}

// FuzzReview sends any body. It finds panics, responses without the UID, and denials without a checked image.
func FuzzReview(f *testing.F) {
	for _, request := range []admissionv1.AdmissionRequest{
		create("Pod", podOf(absent)), create("Pod", podOf(good)), create("Deployment", deploymentOf(absent)),
		update("Pod", podOf(good), podOf(absent)), create("Namespace", `{"metadata":{"labels":{"pullgate.dev/mode":"on"}}}`),
		create("Pod", `{"spec":"web"}`), create("Pod", "null"),
	} {
		f.Add(encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}))
	}
	f.Add(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","namespace":"../shop","object":{{`)
	f.Add("{" + strings.Repeat("[", 200))
	f.Add("- - -")
	f.Fuzz(func(t *testing.T, body string) {
		fixture := newFixture(policy.ModeEnforce)
		got := fixture.serve(t, webhook.Path, "application/json", body)
		if got.Code == http.StatusBadRequest {
			return
		}
		response := decodeResponse(t, got.Body.Bytes())
		if response.UID == "" || !strings.Contains(body, string(response.UID)) {
			t.Errorf("UID %q, want the one of the review", response.UID)
		}
		if !response.Allowed && !slices.Contains(fixture.checker.images(), absent) {
			t.Errorf("denied after checking %q, want a denial of %q only", fixture.checker.images(), absent)
		}
		if strings.Contains(fixture.log.String(), "panic while deciding") {
			t.Errorf("panic: %s", &fixture.log)
		}
	})
}
