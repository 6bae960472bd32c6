package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// Images that the checker has a verdict on. Every other image is pullable.
const (
	good   = "registry.example/shop/web:1"
	absent = "registry.example/shop/web:gone"
	busy   = "busy.example/web:1"
)

var errNoMode = errors.New("no such namespace")

// checker is a Checker with verdicts on the images above. It records the pods that it checked.
type checker struct {
	pods      []imagepull.Pod
	specs     []*corev1.PodSpec
	budget    time.Duration
	panicking any
	verdicts  map[string]imagepull.Verdict
}

func (c *checker) Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding {
	c.pods, c.specs = append(c.pods, pod), append(c.specs, spec)
	if deadline, ok := ctx.Deadline(); ok {
		c.budget = time.Until(deadline)
	}
	if c.panicking != nil {
		panic(c.panicking)
	}
	var findings []imagepull.Finding
	for _, use := range pod.Uses {
		findings = append(findings, imagepull.Finding{Use: use, Verdict: c.verdict(use.Image)})
	}
	return findings
}

func (c *checker) verdict(image string) imagepull.Verdict {
	if v, ok := c.verdicts[image]; ok {
		return v
	}
	switch image {
	case absent:
		return imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found", Origin: imagepull.OriginRegistry}
	case busy:
		return imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Detail: "the registry limits the rate of requests"}
	}
	return imagepull.Verdict{Reason: imagepull.ReasonPullable}
}

// images returns the images that were checked.
func (c *checker) images() []string {
	var all []string
	for _, pod := range c.pods {
		for _, use := range pod.Uses {
			all = append(all, use.Image)
		}
	}
	return all
}

// pullable is a Checker to which every image is pullable. It records nothing.
type pullable struct{}

func (pullable) Check(_ context.Context, pod imagepull.Pod, _ *corev1.PodSpec) []imagepull.Finding {
	findings := make([]imagepull.Finding, 0, len(pod.Uses))
	for _, use := range pod.Uses {
		findings = append(findings, imagepull.Finding{Use: use, Verdict: imagepull.Verdict{Reason: imagepull.ReasonPullable}})
	}
	return findings
}

// modes implements Modes for the listed namespaces, with an error for every other.
type modes map[string]policy.Mode

func (m modes) Mode(_ context.Context, namespace string) (policy.Mode, error) {
	mode, ok := m[namespace]
	if !ok {
		return "", errNoMode
	}
	return mode, nil
}

// checkerFunc is a function that implements Checker.
type checkerFunc func(context.Context, imagepull.Pod, *corev1.PodSpec) []imagepull.Finding

func (f checkerFunc) Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding {
	return f(ctx, pod, spec)
}

// enforced implements Modes: every namespace is in mode enforce.
type enforced struct{}

func (enforced) Mode(context.Context, string) (policy.Mode, error) { return policy.ModeEnforce, nil }

// fixture is a handler with its checker, observations and log.
type fixture struct {
	checker *checker
	handler *webhook.Handler
	log     bytes.Buffer

	mu       sync.Mutex
	observed []webhook.Observation
}

// newFixture returns a handler for the namespace "shop" in the given mode.
func newFixture(mode policy.Mode) *fixture {
	f := &fixture{checker: &checker{}}
	f.handler = &webhook.Handler{
		Checker: f.checker,
		Modes:   modes{"shop": mode},
		Budget:  webhook.Budget{Admission: 8 * time.Second, Headroom: time.Second},
		Observe: func(_ context.Context, o webhook.Observation) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.observed = append(f.observed, o)
		},
		Log: slog.New(slog.NewJSONHandler(&f.log, nil)),
	}
	return f
}

// serve sends a request like the API server.
func (f *fixture) serve(t *testing.T, url, contentType, body string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	recorder := httptest.NewRecorder()
	webhook.Endpoint(f.handler).ServeHTTP(recorder, req)
	return recorder
}

// review sends a review and returns the response.
func (f *fixture) review(t *testing.T, request admissionv1.AdmissionRequest) admissionv1.AdmissionResponse {
	t.Helper()
	return f.reviewWithin(t, request, "?timeout=10s")
}

func (f *fixture) reviewWithin(t *testing.T, request admissionv1.AdmissionRequest, query string) admissionv1.AdmissionResponse {
	t.Helper()
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: &request,
	})
	if err != nil {
		t.Fatalf("encoding the review: %v", err)
	}
	recorder := f.serve(t, webhook.Path+query, "application/json", string(body))
	if recorder.Code != http.StatusOK {
		t.Fatalf("status = %d with %q, want 200", recorder.Code, recorder.Body)
	}
	response := decodeResponse(t, recorder.Body.Bytes())
	if response.UID != request.UID {
		t.Fatalf("response = %s, want the same UID", recorder.Body)
	}
	return response
}

// decodeResponse decodes the body of a response.
func decodeResponse(t *testing.T, body []byte) admissionv1.AdmissionResponse {
	t.Helper()
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil {
		t.Fatalf("decoding the response %q: %v", body, err)
	}
	if review.APIVersion != "admission.k8s.io/v1" || review.Kind != "AdmissionReview" || review.Response == nil {
		t.Fatalf("response = %s, want a review", body)
	}
	return *review.Response
}

// create returns a request to create an object in the namespace "shop".
func create(kind, object string) admissionv1.AdmissionRequest {
	group := ""
	if kind == "Deployment" {
		group = "apps"
	}
	request := admissionv1.AdmissionRequest{
		UID:       types.UID("705ab4f5-6393-11e8-b7cc-42010a800002"),
		Kind:      metav1.GroupVersionKind{Group: group, Version: "v1", Kind: kind},
		Resource:  metav1.GroupVersionResource{Group: group, Version: "v1", Resource: strings.ToLower(kind) + "s"},
		Namespace: "shop",
		Name:      "web",
		Operation: admissionv1.Create,
		UserInfo:  authenticationv1.UserInfo{Username: "alice"},
	}
	if object != "" {
		request.Object = runtime.RawExtension{Raw: []byte(object)}
	}
	return request
}

// update returns a request to change an object.
func update(kind, old, object string) admissionv1.AdmissionRequest {
	request := create(kind, object)
	request.Operation = admissionv1.Update
	request.OldObject = runtime.RawExtension{Raw: []byte(old)}
	return request
}

// podOf returns a pod with one container for each image.
func podOf(images ...string) string { return podWith(nil, images...) }

func podWith(metadata map[string]any, images ...string) string {
	object := map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": podSpec(images...)}
	if metadata != nil {
		object["metadata"] = metadata
	}
	return encode(object)
}

// deploymentOf returns a Deployment whose pods have one container for each image.
func deploymentOf(images ...string) string {
	return encode(map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"spec": map[string]any{"template": map[string]any{"spec": podSpec(images...)}},
	})
}

func podSpec(images ...string) map[string]any {
	containers := []any{}
	for i, image := range images {
		containers = append(containers, map[string]any{"name": "c" + string(rune('0'+i%10)), "image": image})
	}
	return map[string]any{"containers": containers, "nodeSelector": map[string]any{"pool": "web"}}
}

func encode(object any) string {
	data, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// logLines decodes the log.
func (f *fixture) logLines(t *testing.T) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range bytes.Lines(f.log.Bytes()) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("decoding the log line %q: %v", line, err)
		}
		lines = append(lines, fields)
	}
	return lines
}
