package integration

import (
	"crypto/x509"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sharedEndpoint returns the endpoint of the process that the API server calls too, with the same CA bundle.
func (e *environment) sharedEndpoint(t *testing.T) endpoint {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(e.certificateSecret(t).Data["ca.crt"])
	return newEndpoint(t, e.pullgate, roots)
}

// testReviews sends reviews that the API server would not send. None is denied. An invalid review is an error, which the API
// server handles by its failurePolicy, and an object that Pullgate cannot check is admitted.
func testReviews(t *testing.T, e *environment) {
	webhook := e.sharedEndpoint(t)
	namespace := e.namespace(t, "enforce")
	t.Run("invalid review", func(t *testing.T) {
		t.Parallel()
		testInvalidReview(t, webhook)
	})
	kind := func(group, version, kind string) metav1.GroupVersionKind {
		return metav1.GroupVersionKind{Group: group, Version: version, Kind: kind}
	}
	pod := kind("", "v1", "Pod")
	for name, test := range map[string]struct {
		request *admissionv1.AdmissionRequest
		want    []string
	}{
		"unknown kind": {
			request: request(t, namespace, kind("example.com", "v1", "Widget"), map[string]any{
				"apiVersion": "example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": "web"},
			}),
			want: []string{`pullgate could not check the images: this kind of object has no pods`},
		},
		"object without images": {
			request: request(t, namespace, pod, map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": map[string]any{}}),
		},
		"invalid object": {
			request: request(t, namespace, pod, map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": "web"}),
			want:    []string{`pullgate could not check the images: reading Pod: field spec has the wrong type`},
		},
		"object that is a string": {
			request: request(t, namespace, pod, "web"),
			want:    []string{`pullgate could not check the images: reading object: not a JSON object`},
		},
		"no object": {
			request: request(t, namespace, pod, nil),
			want:    []string{`pullgate could not check the images: reading object: apiVersion or kind is missing`},
		},
		"no namespace": {
			request: podRequest(t, "", e.registry.expand(imageGone)),
			want:    []string{`pullgate could not check the images: the namespace of the request is not a DNS label`},
		},
		"namespace that does not exist": {
			request: podRequest(t, "nowhere", e.registry.expand(imageGone)),
		},
		"namespace of the system": {
			request: podRequest(t, "kube-system", e.registry.expand(imageGone)),
		},
		"namespace of Pullgate": {
			request: podRequest(t, systemNamespace, e.registry.expand(imageGone)),
		},
		"namespace without a mode": {
			request: podRequest(t, e.namespace(t, ""), e.registry.expand(imageGone)),
		},
		"object of another namespace": {
			request: inNamespace(podRequest(t, "kube-system", e.registry.expand(imageGone)), namespace),
			want:    []string{`pullgate could not check the images: request and object have different namespaces`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := webhook.review(t, test.request)
			if !got.Allowed {
				t.Errorf("denied: %v", got.Result)
			}
			if diff := cmp.Diff(test.want, got.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// inNamespace changes the namespace of a request, and not the namespace of its object.
func inNamespace(request *admissionv1.AdmissionRequest, namespace string) *admissionv1.AdmissionRequest {
	request.Namespace = namespace
	return request
}

func testInvalidReview(t *testing.T, webhook endpoint) {
	for name, test := range map[string]struct{ contentType, body string }{
		"empty":                {contentType: "application/json"},
		"not JSON":             {contentType: "application/json", body: "{"},
		"missing request":      {contentType: "application/json", body: `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`},
		"another kind":         {contentType: "application/json", body: `{"apiVersion":"v1","kind":"Pod"}`},
		"another version":      {contentType: "application/json", body: `{"apiVersion":"admission.k8s.io/v9","kind":"AdmissionReview"}`},
		"array":                {contentType: "application/json", body: "[]"},
		"another content type": {contentType: "text/plain", body: `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, err := webhook.post(t.Context(), test.contentType, []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if want := "request body is not a valid AdmissionReview\n"; status != http.StatusBadRequest || string(body) != want {
				t.Errorf("got %d %q, want 400 %q", status, body, want)
			}
		})
	}
}
