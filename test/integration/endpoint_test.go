package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// endpoint is a client of the webhook, as the API server is.
type endpoint struct {
	url    string
	client *http.Client
}

// newEndpoint returns the endpoint of a process, for a client with these certificates. It opens and closes a connection for each
// request.
func newEndpoint(t *testing.T, p *pullgate, roots *x509.CertPool, certs ...tls.Certificate) endpoint {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, Certificates: certs},
		DisableKeepAlives: true,
	}
	return endpoint{p.launch.webhookURL(), &http.Client{Transport: transport}}
}

// post sends a body as the API server would, and returns the response with its status.
func (e endpoint) post(ctx context.Context, contentType string, body []byte) (status int, response []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, data, errors.Join(err, resp.Body.Close())
}

// send sends the review of one request.
func (e endpoint) send(ctx context.Context, request *admissionv1.AdmissionRequest) (*admissionv1.AdmissionResponse, error) {
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Request:  request,
	})
	if err != nil {
		return nil, err
	}
	status, data, err := e.post(ctx, "application/json", body)
	if err != nil {
		return nil, err
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(data, &review); err != nil {
		return nil, err
	}
	if status != http.StatusOK || review.Response == nil || review.Response.UID != request.UID {
		return nil, fmt.Errorf("got %d %s, want a review of %s", status, data, request.UID)
	}
	return review.Response, nil
}

// review sends the review of one request, and ends the test if this fails.
func (e endpoint) review(t *testing.T, request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	t.Helper()
	response, err := e.send(t.Context(), request)
	if err != nil {
		t.Fatalf("calling the webhook: %v", err)
	}
	return response
}

// podRequest returns a request to create a pod with the image.
func podRequest(t *testing.T, namespace, image string) *admissionv1.AdmissionRequest {
	t.Helper()
	pod := newPod(namespace, image)
	pod.APIVersion, pod.Kind = "v1", "Pod"
	return request(t, namespace, metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, pod)
}

// request returns a request to create an object.
func request(t *testing.T, namespace string, kind metav1.GroupVersionKind, object any) *admissionv1.AdmissionRequest {
	t.Helper()
	return &admissionv1.AdmissionRequest{
		UID: "705ab4f5-6393-11e8-b7cc-42010a800002", Operation: admissionv1.Create, Kind: kind,
		Resource: metav1.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: strings.ToLower(kind.Kind) + "s"}, Namespace: namespace, Name: "web", Object: runtime.RawExtension{Raw: encode(t, object)},
	}
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
