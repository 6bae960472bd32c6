//go:build e2e

package e2e

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// Every pod is checked while Pullgate is replaced. The critical moments are short, so that pods are created without a pause.
func testRollout(t *testing.T, e *environment) {
	namespace, pod := e.namespace(t, "enforce"), e.pod(e.registry.missing(t, "shop/rollout"))
	done := make(chan struct{})
	var requests sync.WaitGroup
	var count atomic.Int64
	for range 2 {
		requests.Go(func() {
			for !isClosed(done) {
				count.Add(1)
				if warnings, err := e.create(t, namespace, pod, metav1.DryRunAll); !isDenial(err) {
					t.Errorf("during the rollout: got error %v and warnings %q, want a denial", err, warnings)
				}
			}
		})
	}
	defer requests.Wait()
	defer close(done)
	kubectl(t, "rollout", "restart", "--namespace="+systemNamespace, "deployment/pullgate")
	eventually(t, "the rollout", e.isRolledOut)
	t.Logf("%d pods were denied during the rollout", count.Load())
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
