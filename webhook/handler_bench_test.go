package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/policy"
)

// benchmarkReview returns the review of a pod with three containers.
func benchmarkReview(b *testing.B) string {
	b.Helper()
	pod := corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: "web-", Namespace: "shop", Labels: map[string]string{"app": "web"}},
	}
	for i := range 3 {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: fmt.Sprintf("c%d", i), Image: fmt.Sprintf("registry.example/shop/service-%d:1.0", i),
			Env: []corev1.EnvVar{{Name: "A", Value: "b"}}, Ports: []corev1.ContainerPort{{ContainerPort: 8080}},
		})
	}
	object, err := json.Marshal(pod)
	if err != nil {
		b.Fatal(err)
	}
	review, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "1", Namespace: "shop", Operation: admissionv1.Create,
			Kind:     metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"}, Object: runtime.RawExtension{Raw: object},
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return string(review)
}

// BenchmarkWarm measures a request without the verdicts. For comparison, "decode" is a webhook that only decodes the pod.
func BenchmarkWarm(b *testing.B) {
	decoder := admission.NewDecoder(podScheme(b))
	hooks := map[string]http.Handler{
		"pullgate": webhook.Endpoint(&webhook.Handler{
			Checker: pullable{}, Modes: modes{"shop": policy.ModeEnforce},
			Budget:  webhook.Budget{Admission: 8 * time.Second, Headroom: time.Second},
			Observe: func(context.Context, webhook.Observation) {}, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
		}),
		"decode": &admission.Webhook{Handler: admission.HandlerFunc(func(_ context.Context, req admission.Request) admission.Response {
			var pod corev1.Pod
			if err := decoder.Decode(req, &pod); err != nil {
				return admission.Errored(http.StatusBadRequest, err)
			}
			return admission.Allowed("")
		})},
	}
	review := benchmarkReview(b)
	for _, name := range []string{"decode", "pullgate"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/validate?timeout=10s", strings.NewReader(review))
				request.Header.Set("Content-Type", "application/json")
				recorder := httptest.NewRecorder()
				hooks[name].ServeHTTP(recorder, request)
				if !strings.Contains(recorder.Body.String(), `"allowed":true`) {
					b.Fatalf("got %s, want the pod to be admitted", recorder.Body)
				}
			}
		})
	}
}

func podScheme(b *testing.B) *runtime.Scheme {
	b.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		b.Fatal(err)
	}
	return scheme
}
