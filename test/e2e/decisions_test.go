//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// unpullable returns the beginning of the message for an image that cannot be pulled.
func unpullable(image, reason string) string {
	return fmt.Sprintf("container %q: image %q cannot be pulled: %s: ", "web", image, reason)
}

// Without Pullgate, a Deployment with a missing image reports no failure.
func testDeploymentHangs(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, ""), e.registry.missing(t, "shop/hangs")
	if warnings := e.createDeployment(t, namespace, image); len(warnings) > 0 {
		t.Errorf("got warnings %q in a namespace in mode off", warnings)
	}
	e.awaitDeployment(t, namespace, "to have a pod", func(d *appsv1.Deployment) bool { return d.Status.Replicas == 1 })
	e.awaitPod(t, namespace, e.pods(t, namespace)[0].Name, "to back off", isBackingOff)
	e.awaitDeployment(t, namespace, "to hang", func(d *appsv1.Deployment) bool {
		return d.Status.AvailableReplicas == 0 && d.Status.UnavailableReplicas == 1 &&
			condition(d, appsv1.DeploymentProgressing).Status == corev1.ConditionTrue &&
			condition(d, appsv1.DeploymentReplicaFailure).Status != corev1.ConditionTrue
	})
}

func testPodDenied(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.missing(t, "shop/denied")
	_, err := e.create(t, namespace, e.pod(image))
	if !isDenial(err) || !strings.Contains(err.Error(), unpullable(image, "NotFound")) {
		t.Errorf("got error %v, want a denial with %q", err, unpullable(image, "NotFound"))
	}
	e.admit(t, namespace, e.pod(e.registry.push(t, "shop/denied:1.28")))
	e.awaitPod(t, namespace, "web", "to run", isRunning)
}

// The Deployment reports the cause, and recovers when its tag is corrected.
func testDeploymentRecovers(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.missing(t, "shop/recovers")
	want := unpullable(image, "NotFound")
	wantWarning(t, e.createDeployment(t, namespace, image), "cannot be pulled: NotFound: ")
	e.awaitDeployment(t, namespace, "to report the cause", func(d *appsv1.Deployment) bool {
		failure := condition(d, appsv1.DeploymentReplicaFailure)
		return failure.Status == corev1.ConditionTrue && failure.Reason == "FailedCreate" && strings.Contains(failure.Message, want)
	})
	if pods := e.pods(t, namespace); len(pods) > 0 {
		t.Errorf("got %d pods, want none", len(pods))
	}
	if got := e.setImage(t, namespace, e.registry.push(t, "shop/recovers:1.27-alpine")); len(got) > 0 {
		t.Errorf("got warnings %q for the right tag", got)
	}
	e.awaitDeployment(t, namespace, "to recover", func(d *appsv1.Deployment) bool {
		return condition(d, appsv1.DeploymentAvailable).Status == corev1.ConditionTrue && d.Status.AvailableReplicas == 1 &&
			condition(d, appsv1.DeploymentReplicaFailure).Status != corev1.ConditionTrue
	})
}

// A Job whose pods hang never ends. A Job whose pods are denied has an event with the cause.
func testJobEvent(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.missing(t, "shop/job")
	want := unpullable(image, "NotFound")
	wantWarning(t, e.createJob(t, namespace, image), "cannot be pulled: NotFound: ")
	e.awaitEvent(t, namespace, "FailedCreate", want)
	if pods := e.pods(t, namespace); len(pods) > 0 {
		t.Errorf("got %d pods, want none", len(pods))
	}
}

func testPrivateImage(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.push(t, "vault/app:2.0")
	_, err := e.create(t, namespace, e.pod(image))
	if !isDenial(err) || !strings.Contains(err.Error(), unpullable(image, "AccessDenied")) {
		t.Errorf("without the secret: got error %v, want a denial with %q", err, unpullable(image, "AccessDenied"))
	}
	e.registry.createSecret(t, namespace, "regcred")
	e.admit(t, namespace, e.pod(image, "regcred"))
	e.awaitPod(t, namespace, "web", "to run", isRunning)
}

// The kubelet cannot pull the image that testPrivateImage expects to be denied.
func testWithoutSecret(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, ""), e.registry.push(t, "vault/other:2.0")
	e.admit(t, namespace, e.pod(image))
	e.awaitPod(t, namespace, "web", "to fail", hasFailed)
}

// The kubelet tries again with the secret.
func testSecretCreatedLater(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.push(t, "vault/later:2.0")
	warnings, err := e.create(t, namespace, e.pod(image, "regcred"))
	if err != nil {
		t.Fatal(err)
	}
	wantWarning(t, warnings, "may not be pullable: PullSecretMissing: ")
	e.awaitPod(t, namespace, "web", "to fail", hasFailed)
	e.registry.createSecret(t, namespace, "regcred")
	e.awaitPod(t, namespace, "web", "to run", isRunning)
}

// The registry does not have this image, but images without a digest show that images are loaded onto the node.
func testLoadedImage(t *testing.T, e *environment) {
	namespace := e.namespace(t, "enforce")
	pod := e.pod(e.registry.missing(t, "shop/loaded"))
	pod.Spec.Containers[0].ImagePullPolicy = corev1.PullIfNotPresent
	warnings, err := e.create(t, namespace, pod, metav1.DryRunAll)
	if err != nil {
		t.Fatal(err)
	}
	wantWarning(t, warnings, "may not be pullable: NodeCacheUnreported: ")
}
