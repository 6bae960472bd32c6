package load

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
)

func TestTemplate(t *testing.T) {
	t.Parallel()
	template, err := NewTemplate("shop", "regcred", 3)
	if err != nil {
		t.Fatal(err)
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(template.With("a/b:1", "c/d:2", "e/f:3"), &review); err != nil {
		t.Fatalf("parsing the review: %v", err)
	}
	var pod corev1.Pod
	if err := json.Unmarshal(review.Request.Object.Raw, &pod); err != nil {
		t.Fatalf("parsing the pod: %v", err)
	}
	var images []string
	for _, c := range pod.Spec.Containers {
		images = append(images, c.Image)
	}
	if diff := cmp.Diff([]string{"a/b:1", "c/d:2", "e/f:3"}, images); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]corev1.LocalObjectReference{{Name: "regcred"}}, pod.Spec.ImagePullSecrets); diff != "" {
		t.Errorf("pull secrets (-want +got):\n%s", diff)
	}
}
