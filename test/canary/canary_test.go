package canary

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/pullgate/pullgate/test/clock"
	"github.com/pullgate/pullgate/test/process"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/policy"
	"github.com/pullgate/pullgate/webhook/report"
)

// vectors returns all vectors by name.
func vectors() map[string]vector {
	all := map[string]vector{}
	for _, table := range []map[string]vector{
		realmVectors(), addressVectors(), redirectVectors(), mirrorVectors(), tenantVectors(), matchingVectors(), proxyVectors(), pluginVectors(),
		responseVectors(), textVectors(),
	} {
		maps.Copy(all, table)
	}
	return all
}

func TestThereAreManyVectors(t *testing.T) {
	t.Parallel()
	if got := len(vectors()); got < 60 {
		t.Errorf("%d vectors, want at least 60", got)
	}
}

// TestNoCanaryLeavesTheWebhook sends the pods of each vector to the webhook, with registries that use HTTP/1.1 and HTTP/2.
func TestNoCanaryLeavesTheWebhook(t *testing.T) {
	t.Parallel()
	for name, v := range vectors() {
		for protocol, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, v, http2)
				s := newSubject(t, w)
				for i, step := range w.steps {
					s.admit(t, i, step)
				}
				s.end(t)
				w.settle(t)
				w.check(t)
			})
		}
	}
}

// subject is the webhook with everything that it writes.
type subject struct {
	world    *world
	engine   *engine.Engine
	source   *secrets.Source
	endpoint http.Handler
	metrics  *prometheus.Registry
	clock    clock.Impatient
	log      process.Buffer
}

func newSubject(t *testing.T, w *world) *subject {
	t.Helper()
	s := &subject{world: w, metrics: prometheus.NewRegistry()}
	m, err := metrics.New(s.metrics, metrics.Vocabulary{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load([]byte(w.configuration()))
	if err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	for name, text := range w.secrets {
		namespace, name, _ := strings.Cut(name, "/")
		objects = append(objects, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Type:       corev1.SecretTypeDockerConfigJson,
			Data:       map[string][]byte{corev1.DockerConfigJsonKey: []byte(w.text.Replace(text))},
		})
	}
	s.clock = clock.NewImpatient()
	if s.source, err = secrets.NewSource(secrets.Options{Client: fake.NewClientset(objects...).CoreV1(), Clock: s.clock}); err != nil {
		t.Fatal(err)
	}
	environ := make([]string, 0, len(w.environ))
	for _, variable := range w.environ {
		environ = append(environ, w.text.Replace(variable))
	}
	logger := slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if s.engine, err = engine.New(c, engine.Options{
		Credentials: s.source, Environ: environ, DialContext: w.dial, RootCAs: w.ca.Pool(), Clock: s.clock, Log: logger,
		Instrument: m.Instrument, ObserveCache: m.CacheLookup, HidePrivateCauses: true,
	}); err != nil {
		t.Fatal(err)
	}
	if err := metrics.Watch(s.metrics, s.engine.Gauges); err != nil {
		t.Fatal(err)
	}
	s.endpoint = webhook.Endpoint(&webhook.Handler{
		Checker: s.engine, Modes: enforced{}, Actions: c.Actions, Log: logger,
		Budget: webhook.Budget{Admission: c.Timeouts.Admission},
		Observe: func(_ context.Context, o webhook.Observation) {
			m.Decided(metrics.Decision{Mode: string(o.Mode), Kind: o.Kind, Decision: o.Decision, Findings: o.Findings})
		},
	})
	return s
}

// afterFailure is longer than the first delay after a failure and than failed logins count, and shorter than a token is valid.
const afterFailure = 31 * time.Second

// admit sends a pod to the webhook, and checks the same pod for a report.
func (s *subject) admit(t *testing.T, number int, step step) {
	t.Helper()
	s.clock.Step(afterFailure)
	before := s.world.lengths()
	pod, err := s.world.pod(step)
	if err != nil {
		t.Fatal(err)
	}
	response := s.review(t, step.namespace, pod)
	if got := response.Allowed && len(response.Warnings) == 0; step.allowed && !got {
		t.Errorf("step %d: the pod is not admitted silently: %v %v", number, response.Warnings, response.Result)
	}
	object, err := podspec.Decode(pod)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	for _, f := range s.engine.Check(t.Context(), object.Pod, object.Spec) {
		r.Entries = append(r.Entries, report.Entry{Source: "pod.yaml", Finding: f})
	}
	var text bytes.Buffer
	table := func(w io.Writer, r report.Report) error { return report.WriteTable(w, r, true) }
	for _, write := range []func(io.Writer, report.Report) error{table, report.WriteJSON, report.WriteYAML} {
		if err := write(&text, r); err != nil {
			t.Fatal(err)
		}
	}
	s.world.checkText(t, "report", text.Bytes())
	for _, name := range step.without {
		if found := s.world.receivers(s.world.canaries[name], before); len(found) > 0 {
			t.Errorf("step %d: %v received the canary %s", number, found, name)
		}
	}
}

// review returns the review of a new pod.
func review(namespace string, pod []byte) admissionv1.AdmissionReview {
	return admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "1", Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"}, Namespace: namespace, Name: "web",
			Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: pod},
		},
	}
}

// review sends a pod to the webhook. The response must not have a canary.
func (s *subject) review(t *testing.T, namespace string, pod []byte) *admissionv1.AdmissionResponse {
	t.Helper()
	body, err := json.Marshal(review(namespace, pod))
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	s.endpoint.ServeHTTP(recorder, req)
	s.world.checkText(t, "response", recorder.Body.Bytes())
	return decodeResponse(t, recorder.Body.Bytes())
}

func decodeResponse(t *testing.T, text []byte) *admissionv1.AdmissionResponse {
	t.Helper()
	var review admissionv1.AdmissionReview
	err := json.Unmarshal(text, &review)
	if err == nil && review.Response == nil {
		err = errors.New("it has no response")
	}
	if err != nil {
		t.Fatalf("reading the response: %v", err)
	}
	return review.Response
}

// end closes the webhook's connections, and checks its log and its metrics.
func (s *subject) end(t *testing.T) {
	t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	s.world.checkText(t, "metrics", fmt.Append(nil, families))
	s.source.Close()
	s.engine.Close()
	if !strings.Contains(s.log.String(), `"msg":"decided"`) {
		t.Error("the log has no decision")
	}
	s.world.checkText(t, "log", []byte(s.log.String()))
}

// pod returns the pod of a step as JSON.
func (w *world) pod(s step) ([]byte, error) {
	var references []corev1.LocalObjectReference
	for _, name := range s.secrets {
		references = append(references, corev1.LocalObjectReference{Name: w.text.Replace(name)})
	}
	return json.Marshal(corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "web"},
		Spec: corev1.PodSpec{
			ImagePullSecrets: references,
			Containers:       []corev1.Container{{Name: "web", Image: w.text.Replace(s.image), ImagePullPolicy: corev1.PullAlways}},
		},
	})
}

// enforced returns ModeEnforce for every namespace.
type enforced struct{}

func (enforced) Mode(context.Context, string) (policy.Mode, error) { return policy.ModeEnforce, nil }
