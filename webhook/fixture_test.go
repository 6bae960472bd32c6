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
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// What the checker says of images that are not simply fine.
const (
	good   = "registry.example/shop/web:1"
	absent = "registry.example/shop/web:gone"
	busy   = "busy.example/web:1"
)

var errNoMode = errors.New("no such namespace")

// checker is a Checker that knows the images above, and remembers what it was asked.
type checker struct {
	pods      []imagepull.Pod
	specs     []*corev1.PodSpec
	patience  time.Duration
	panicking any
	said      map[string]imagepull.Verdict
}

func (c *checker) Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding {
	c.pods, c.specs = append(c.pods, pod), append(c.specs, spec)
	if deadline, ok := ctx.Deadline(); ok {
		c.patience = time.Until(deadline)
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
	if v, ok := c.said[image]; ok {
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

// images returns what the checker was asked about.
func (c *checker) images() []string {
	var all []string
	for _, pod := range c.pods {
		for _, use := range pod.Uses {
			all = append(all, use.Image)
		}
	}
	return all
}

// modes are the Modes of namespaces; one that is not listed gives an error.
type modes map[string]policy.Mode

func (m modes) Mode(_ context.Context, namespace string) (policy.Mode, error) {
	mode, ok := m[namespace]
	if !ok {
		return "", errNoMode
	}
	return mode, nil
}

// fixture is a handler as the command wires it, with everything around it at hand.
type fixture struct {
	checker  *checker
	handler  *webhook.Handler
	observed []webhook.Observation
	log      bytes.Buffer
}

// newFixture returns a handler for the namespace "shop" in the given mode.
func newFixture(mode policy.Mode) *fixture {
	f := &fixture{checker: &checker{}}
	f.handler = &webhook.Handler{
		Checker: f.checker,
		Modes:   modes{"shop": mode},
		Budget:  webhook.Budget{Admission: 8 * time.Second, Headroom: time.Second},
		Observe: func(o webhook.Observation) { f.observed = append(f.observed, o) },
		Log:     slog.New(slog.NewJSONHandler(&f.log, nil)),
	}
	return f
}

// serve sends a request as the API server does.
func (f *fixture) serve(t *testing.T, url, contentType, body string) *httptest.ResponseRecorder {
	t.Helper()
	hook := webhook.RejectUnreadable(&admission.Webhook{Handler: f.handler, WithContextFunc: webhook.WithTimeout})
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	recorder := httptest.NewRecorder()
	hook.ServeHTTP(recorder, req)
	return recorder
}

// review has the API server's question answered.
func (f *fixture) review(t *testing.T, request admissionv1.AdmissionRequest) admissionv1.AdmissionResponse {
	t.Helper()
	return f.reviewWithin(t, request, "?timeout=10s")
}

func (f *fixture) reviewWithin(t *testing.T, request admissionv1.AdmissionRequest, query string) admissionv1.AdmissionResponse {
	t.Helper()
	question, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: &request,
	})
	if err != nil {
		t.Fatalf("encoding the review: %v", err)
	}
	recorder := f.serve(t, webhook.Path+query, "application/json", string(question))
	if recorder.Code != http.StatusOK {
		t.Fatalf("status = %d with %q, want 200", recorder.Code, recorder.Body)
	}
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		t.Fatalf("decoding the answer %q: %v", recorder.Body, err)
	}
	if answer.APIVersion != "admission.k8s.io/v1" || answer.Kind != "AdmissionReview" || answer.Response.UID != request.UID {
		t.Fatalf("answer = %s, want a review of the same uid", recorder.Body)
	}
	return *answer.Response
}

// create is the API server's question about a new object of the namespace "shop".
func create(kind, object string) admissionv1.AdmissionRequest {
	request := admissionv1.AdmissionRequest{
		UID:       types.UID("705ab4f5-6393-11e8-b7cc-42010a800002"),
		Kind:      metav1.GroupVersionKind{Version: "v1", Kind: kind},
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

// update is the API server's question about a changed object.
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

// deploymentOf returns a Deployment of such pods.
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

// logLines decodes what was logged.
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
