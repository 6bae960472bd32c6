//go:build cluster

package live

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

func createPod(t *testing.T, client kubernetes.Interface, name, image, secret string) {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: image}}},
	}
	if secret != "" {
		pod.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: secret}}
	}
	if _, err := client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitPod returns the pod when it meets the condition.
func awaitPod(t *testing.T, client kubernetes.Interface, name, state string, condition func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	look := func(ctx context.Context) (bool, error) {
		var err error
		pod, err = client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
		return err == nil && condition(pod), err
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, stepTimeout, true, look); err != nil {
		t.Fatalf("waiting for pod %s %s: %v; its status: %v", name, state, err, pod.Status)
	}
	return pod
}

func isRunning(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning }

func isBackingOff(pod *corev1.Pod) bool { return waiting(pod).Reason == "ImagePullBackOff" }

// waiting returns the waiting state of the only container, or an empty one.
func waiting(pod *corev1.Pod) corev1.ContainerStateWaiting {
	for _, status := range pod.Status.ContainerStatuses {
		if status.State.Waiting != nil {
			return *status.State.Waiting
		}
	}
	return corev1.ContainerStateWaiting{}
}
