package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
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

// A tenant must not end the process with a review. It measures what the process allocates for each of these bodies.
func TestHostileReviewsTakeBoundedMemory(t *testing.T) {
	const bound = 128 << 20 // bytes, with what the garbage collector would free in the meantime
	review := func(object string) string {
		return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","namespace":"shop","operation":"CREATE",` +
			`"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"object":` + object + `}}`
	}
	repeated := func(before, text, after string, size int) string {
		return review(before + strings.Repeat(text, size/len(text)) + after)
	}
	const most = 1 << 20 // enough to exceed the bound many times, and decoded in seconds if no bound prevents it
	tests := map[string]string{
		"600 kB of nested arrays": `{"request":` + strings.Repeat("[", 600<<10),
		"600 kB of nested YAML":   strings.Repeat("- ", 300<<10),
		"600 kB of containers":    repeated(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[`, "{},", "{}]}}", 600<<10),
		"many containers":         repeated(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[`, "{},", "{}]}}", most),
		"containers at the bound": repeated(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[`, "{},", "{}]}}", 3*70_000),
		"many nested templates":   repeated(`{"apiVersion":"v1","kind":"Pod","spec":`, `{"template":{"spec":`, "", most),
		"a map at the bound":      review(`{"apiVersion":"v1","kind":"Pod","spec":{"nodeSelector":{` + manyMembers(350_000) + `}}}`),
		"many groups": `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","userInfo":{"groups":[` +
			strings.Repeat(`"",`, most/3) + `""]}}}`,
		"many labels": strings.Replace(review(`{"metadata":{"labels":{`+manyMembers(350_000)+`}}}`), `"kind":"Pod"`, `"kind":"Namespace"`, 1),
	}
	f := newFixture(policy.ModeEnforce)
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f.serve(t, webhook.Path, "application/json", body)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > bound {
				t.Errorf("allocated %d MiB for a body of %d kB, want at most %d MiB", got>>20, len(body)>>10, bound>>20)
			} else {
				t.Logf("allocated %d MiB for a body of %d kB", got>>20, len(body)>>10)
			}
		})
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%x":"",`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// slowBody is a body that ends only after the test.
type slowBody struct{ started, end chan struct{} }

func (b slowBody) Read(p []byte) (int, error) {
	select {
	case b.started <- struct{}{}:
		return copy(p, "{"+strings.Repeat(" ", len(p)-1)), nil
	case <-b.end:
		return 0, io.EOF
	}
}

// Large bodies that are read at the same time share a bound. A review that gets no place in its budget is admitted.
func TestReviewWithoutMemoryIsAdmittedWithinTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(policy.ModeEnforce)
		endpoint := webhook.Endpoint(f.handler)
		serve := func(body io.Reader, length int64) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path+"?timeout=3s", body)
			r.ContentLength = length
			r.Header.Set("Content-Type", "application/json")
			recorder := httptest.NewRecorder()
			endpoint.ServeHTTP(recorder, r)
			return recorder
		}
		end := make(chan struct{})
		for range 4 {
			started := make(chan struct{})
			go serve(slowBody{started, end}, 7<<20)
			<-started
		}
		synctest.Wait()
		body := encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create("Pod", podOf(absent))})
		body += strings.Repeat(" ", 1<<20)
		unread := strings.NewReader(body)
		start := time.Now()
		got := serve(unread, int64(len(body)))
		if elapsed := time.Since(start); elapsed != 2*time.Second {
			t.Errorf("the response took %s, want the budget of 2 s", elapsed)
		}
		if !strings.Contains(got.Body.String(), "pullgate could not check the images: too many requests at the same time") {
			t.Errorf("response = %s, want a warning", got.Body)
		}
		if unread.Len() != 0 {
			t.Errorf("%d bytes are unread, want none: the API server may lose the response", unread.Len())
		}
		wantObserved(t, f, webhook.CauseLoad)
		close(end)
		synctest.Wait()
		got = serve(strings.NewReader(body), int64(len(body)))
		if !strings.Contains(got.Body.String(), `"allowed":false`) {
			t.Errorf("response = %s, want a denial when there is memory again", got.Body)
		}
	})
}

// A check takes seconds at a slow registry. It must not take the memory of other reviews.
func TestChecksTakeNoPlaceOfBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(policy.ModeEnforce)
		end := make(chan struct{})
		running := 0
		f.handler.Checker = checkerFunc(func(context.Context, imagepull.Pod, *corev1.PodSpec) []imagepull.Finding {
			running++
			<-end
			return nil
		})
		endpoint := webhook.Endpoint(f.handler)
		pod := podWith(map[string]any{"annotations": map[string]any{"a": strings.Repeat("x", 1<<20)}}, good)
		body := encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create("Pod", pod)})
		for range 40 {
			go func() {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				endpoint.ServeHTTP(httptest.NewRecorder(), r)
			}()
			synctest.Wait()
		}
		if running != 40 {
			t.Errorf("%d checks run, want 40", running)
		}
		close(end)
	})
}

// The API server may lose a response that comes before it has sent its body.
func TestLargeBodyIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	text := encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create("Pod", podOf(absent))}) +
		strings.Repeat(" ", 8<<20)
	for name, length := range map[string]int64{"with its length": int64(len(text)), "in chunks": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.NewReader(text)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, body)
			r.ContentLength = length
			r.Header.Set("Content-Type", "application/json")
			recorder := httptest.NewRecorder()
			webhook.Endpoint(newFixture(policy.ModeEnforce).handler).ServeHTTP(recorder, r)
			if !strings.Contains(recorder.Body.String(), "the request is larger than 7 MiB") || body.Len() != 0 {
				t.Errorf("response = %s with %d bytes unread, want a warning and none", recorder.Body, body.Len())
			}
		})
	}
}

// A slow client loses its connection, so that its body takes no memory for long. The response comes within the budget.
func TestSlowBodyLosesItsConnection(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]time.Duration{"?timeout=10s": 2 * time.Second, "?timeout=2s": time.Second} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(policy.ModeEnforce)
				recorder := deadlines{httptest.NewRecorder(), &[]time.Time{}}
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path+query, strings.NewReader("{}"))
				r.Header.Set("Content-Type", "application/json")
				webhook.Endpoint(f.handler).ServeHTTP(recorder, r)
				limit := time.Now().Add(want) // the clock of the test stands still
				if diff := cmp.Diff([]time.Time{limit, limit, {}}, *recorder.set); diff != "" {
					t.Errorf("deadlines for the head, for the body and after it (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The review of an API server may be slow, for example on a node that is overloaded.
func TestSlowReviewIsAdmitted(t *testing.T) {
	t.Parallel()
	text := encode(map[string]any{
		"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
		"request": create("Pod", podWith(map[string]any{"annotations": map[string]any{"a": strings.Repeat("x", 8<<10)}}, absent)),
	})
	for name, test := range map[string]struct {
		arrived int
		status  int
	}{
		"after its start":  {8 << 10, http.StatusOK},
		"within its start": {1 << 10, http.StatusOK},
		"before its UID":   {10, http.StatusBadRequest},
		"without a byte":   {0, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			late := iotest.ErrReader(&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, io.MultiReader(strings.NewReader(text[:test.arrived]), late))
			r.ContentLength = int64(len(text))
			r.Header.Set("Content-Type", "application/json")
			got := httptest.NewRecorder()
			webhook.Endpoint(f.handler).ServeHTTP(got, r)
			if got.Code != test.status {
				t.Fatalf("status %d, want %d", got.Code, test.status)
			}
			if test.status != http.StatusOK {
				return
			}
			want := []string{"pullgate could not check the images: the request took too long to arrive"}
			if response := decodeResponse(t, got.Body.Bytes()); !response.Allowed || !slices.Equal(response.Warnings, want) {
				t.Errorf("allowed: %t, warnings %q; want %q", response.Allowed, response.Warnings, want)
			}
			wantObserved(t, f, webhook.CauseLoad)
		})
	}
}

// deadlines is a ResponseWriter that records its read deadlines.
type deadlines struct {
	*httptest.ResponseRecorder
	set *[]time.Time
}

func (d deadlines) SetReadDeadline(deadline time.Time) error {
	*d.set = append(*d.set, deadline)
	return nil
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
	for name, mode := range map[string]policy.Mode{"checked": policy.ModeEnforce, "unknown namespace": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			request := create("Pod", podOf(repeat(strings.Repeat("x", 1000), 1000)...))
			request.Name, request.UserInfo.Username = strings.Repeat("n", long), strings.Repeat("u", long)
			if mode == "" {
				request.Namespace, request.Kind.Kind = strings.Repeat("s", long), strings.Repeat("k", long)
			}
			f.review(t, request)
			if got := f.log.Len(); got == 0 || got > 4<<10 {
				t.Errorf("the log has %d bytes, want at most 4 KiB", got)
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
