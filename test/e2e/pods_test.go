//go:build e2e

package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podSpec returns the spec of a pod with one container, on the node of the registry. Images are loaded onto that node, so with the
// policy IfNotPresent a missing image would be indeterminate.
func (e *environment) podSpec(image string, secrets ...string) corev1.PodSpec {
	spec := corev1.PodSpec{
		Containers:   []corev1.Container{{Name: "web", Image: image, ImagePullPolicy: corev1.PullAlways}},
		NodeSelector: map[string]string{corev1.LabelHostname: e.registry.hostname},
	}
	for _, name := range secrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	return spec
}

func (e *environment) pod(image string, secrets ...string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: e.podSpec(image, secrets...)}
}

// create creates the pod and returns the warnings, or the denial.
func (e *environment) create(t *testing.T, namespace string, pod *corev1.Pod, dryRun ...string) ([]string, error) {
	t.Helper()
	client, warnings := e.caller(t)
	// A client changes the object that it sends, and several clients may send the same pod.
	_, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod.DeepCopy(), metav1.CreateOptions{DryRun: dryRun})
	return warnings.all(), err
}

// admit creates the pod, without warnings.
func (e *environment) admit(t *testing.T, namespace string, pod *corev1.Pod) {
	t.Helper()
	if warnings, err := e.create(t, namespace, pod); err != nil || len(warnings) > 0 {
		t.Fatalf("creating a pod: error %v and warnings %q, want neither", err, warnings)
	}
}

// wantWarning checks that the only warning is about the container, with this verdict. The image may be shortened.
func wantWarning(t *testing.T, got []string, verdict string) {
	t.Helper()
	if len(got) != 1 || !strings.HasPrefix(got[0], `container "web": image "`) || !strings.Contains(got[0], verdict) {
		t.Errorf("got warnings %q, want one about container web with %q", got, verdict)
	}
}

// isDenial reports whether an error is Pullgate's denial of a pod.
func isDenial(err error) bool {
	return apierrors.IsForbidden(err) && strings.HasPrefix(err.Error(), `admission webhook "pods.pullgate.dev" denied the request: `)
}

// logs returns the output of a container.
func (e *environment) logs(t *testing.T, namespace, pod, container string) string {
	t.Helper()
	log, err := e.client.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{Container: container}).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(log)
}

// awaitPod waits until the pod has the wanted state, and returns it.
func (e *environment) awaitPod(t *testing.T, namespace, name, what string, wanted func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	eventually(t, "pod "+name+" "+what, func(ctx context.Context) (bool, any) {
		var err error
		if pod, err = e.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return false, err
		}
		return wanted(pod), pod.Status
	})
	return pod
}

func isRunning(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning }

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// isBackingOff reports whether the kubelet waits before it tries a failed pull again.
func isBackingOff(pod *corev1.Pod) bool { return waitsFor(pod, "ImagePullBackOff") }

// hasFailed reports whether a pull of the kubelet has failed.
func hasFailed(pod *corev1.Pod) bool { return waitsFor(pod, "ErrImagePull", "ImagePullBackOff") }

func waitsFor(pod *corev1.Pod, reasons ...string) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
		return s.State.Waiting != nil && slices.Contains(reasons, s.State.Waiting.Reason)
	})
}
