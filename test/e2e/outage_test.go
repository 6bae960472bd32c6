//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/certs"
)

// A pod is not denied if its registry is down, because the kubelet retries until the registry works again.
func testRegistryDown(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.push(t, "shop/late:1.0")
	e.registry.stop(t)
	warnings, err := e.create(t, namespace, e.pod(image))
	if err != nil {
		t.Fatal(err)
	}
	wantWarning(t, warnings, "could not be checked: RegistryUnavailable: ")
	e.awaitPod(t, namespace, "web", "to fail", hasFailed)
	e.registry.start(t)
	e.awaitPod(t, namespace, "web", "to run", isRunning)
}

// Every pod is checked while Pullgate is restarted, again and again. The old pods of a restart stop during the next.
func testRestarts(t *testing.T, e *environment) {
	old := e.pods(t, systemNamespace)
	e.deniesDuring(t, func() {
		for range 5 {
			kubectl(t, "rollout", "restart", "--namespace="+systemNamespace, "deployment/pullgate")
			e.awaitRollout(t)
		}
		eventually(t, "the old pods to be gone", e.isRolledOut)
	})
	for _, pod := range e.pods(t, systemNamespace) {
		if slices.ContainsFunc(old, func(o corev1.Pod) bool { return o.UID == pod.UID }) {
			t.Errorf("pod %s was not replaced", pod.Name)
		}
	}
}

// An upgrade keeps the certificate, so that every pod is checked during the upgrade, and when it is rolled back.
func testUpgrade(t *testing.T, e *environment, i installation) {
	certificate := e.certificate(t)
	for _, step := range []struct {
		name, image string
		run         func(*testing.T)
	}{
		{"upgrade", "localhost/pullgate:e2e-upgrade", i.upgrade},
		{"rollback", "localhost/pullgate:e2e", i.install},
	} {
		e.deniesDuring(t, func() {
			step.run(t)
			eventually(t, "the "+step.name, e.isRolledOut)
		})
		for _, pod := range e.pods(t, systemNamespace) {
			if got := pod.Spec.Containers[0].Image; got != step.image {
				t.Errorf("%s: pod %s runs the image %s, want %s", step.name, pod.Name, got, step.image)
			}
		}
		if e.certificate(t) != certificate {
			t.Errorf("%s: the certificate or its CA has changed", step.name)
		}
	}
}

// certificate returns the content of the certificate's Secret, and the CA of the webhook configuration.
func (e *environment) certificate(t *testing.T) string {
	t.Helper()
	secret, err := e.client.CoreV1().Secrets(systemNamespace).Get(t.Context(), certs.SecretName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := e.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().
		Get(t.Context(), certs.WebhookConfigurationName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s", secret.Data, hooks.Webhooks[0].ClientConfig.CABundle)
}

// deniesDuring checks that every pod that cannot be pulled is denied while the function runs. The critical moments are short, so
// eight clients create pods without a pause.
func (e *environment) deniesDuring(t *testing.T, change func()) {
	t.Helper()
	const clients = 8
	namespace, pod := e.namespace(t, "enforce"), e.pod(e.registry.missing(t, "shop/during"))
	done := make(chan struct{})
	var requests sync.WaitGroup
	var created, admitted atomic.Int64
	for range clients {
		requests.Go(func() {
			for !isClosed(done) {
				created.Add(1)
				warnings, err := e.create(t, namespace, pod, metav1.DryRunAll)
				// The first failure shows the cause. The number shows the extent.
				if !isDenial(err) && admitted.Add(1) == 1 {
					t.Errorf("got error %v and warnings %q, want a denial", err, warnings)
				}
			}
		})
	}
	func() {
		defer requests.Wait()
		defer close(done)
		change()
	}()
	t.Logf("%d of %d pods were not denied", admitted.Load(), created.Load())
	if admitted.Load() > 0 {
		logFailedCalls(t)
	}
}

// logFailedCalls logs the errors of the API server's calls of the webhook, if the API server runs as a pod.
func logFailedCalls(t *testing.T) {
	t.Helper()
	log, _ := run(t, "logs", "--namespace=kube-system", "--selector=component=kube-apiserver", "--tail=-1") // has the error too
	for line := range strings.Lines(log) {
		if strings.Contains(line, "Failed calling webhook") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Pullgate does not deny its own upgrade to a missing image. Until the upgrade is undone, the old pods check images.
func testBadUpgrade(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.missing(t, "shop/upgrade")
	kubectl(t, "label", "namespace", systemNamespace, "pullgate.dev/mode=enforce")
	kubectl(t, "set", "image", "--namespace="+systemNamespace, "deployment/pullgate", "pullgate="+image)
	eventually(t, "the upgrade to hang", func(context.Context) (bool, any) {
		pods := e.pods(t, systemNamespace)
		return slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return hasFailed(&pod) }), pods
	})
	if warnings, err := e.create(t, namespace, e.pod(image)); !isDenial(err) {
		t.Errorf("during the upgrade: got error %v and warnings %q, want a denial", err, warnings)
	}
	kubectl(t, "rollout", "undo", "--namespace="+systemNamespace, "deployment/pullgate")
	e.awaitRollout(t)
}

// isRolledOut reports whether all pods have the current version, and the old pods are gone.
func (e *environment) isRolledOut(ctx context.Context) (bool, any) {
	d, err := e.client.AppsV1().Deployments(systemNamespace).Get(ctx, "pullgate", metav1.GetOptions{})
	if err != nil {
		return false, err
	}
	pods, err := e.client.CoreV1().Pods(systemNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	want := *d.Spec.Replicas
	done := d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas == want &&
		d.Status.AvailableReplicas == want && int32(len(pods.Items)) == want
	return done, d.Status
}

// Without a running Pullgate, pods are admitted without a check. Denials return with Pullgate.
func testPullgateDown(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.missing(t, "shop/down")
	kubectl(t, "scale", "--namespace="+systemNamespace, "--replicas=0", "deployment/pullgate")
	eventually(t, "Pullgate to be gone", func(context.Context) (bool, any) {
		pods := e.pods(t, systemNamespace)
		return len(pods) == 0, pods
	})
	e.admit(t, namespace, e.pod(image))
	e.awaitPod(t, namespace, "web", "to fail", hasFailed)
	kubectl(t, "scale", "--namespace="+systemNamespace, "--replicas=2", "deployment/pullgate")
	e.awaitRollout(t)
	e.awaitDenials(t)
}
