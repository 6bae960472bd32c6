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

// A registry that is down is no reason to refuse a pod: the kubelet tries until it is back.
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

// No pod slips through while Pullgate is replaced. The moments that matter are short: pods are tried without a pause.
func testRollout(t *testing.T, e *environment) {
	namespace, pod := e.namespace(t, "enforce"), e.pod(e.registry.missing(t, "shop/rollout"))
	over := make(chan struct{})
	var asking sync.WaitGroup
	var asked atomic.Int64
	for range 2 {
		asking.Go(func() {
			for !isClosed(over) {
				asked.Add(1)
				if warnings, err := e.create(t, namespace, pod, metav1.DryRunAll); !isRefusal(err) {
					t.Errorf("during the rollout: got error %v and warnings %q, want a refusal", err, warnings)
				}
			}
		})
	}
	defer asking.Wait()
	defer close(over)
	kubectl(t, "rollout", "restart", "--namespace="+systemNamespace, "deployment/pullgate")
	eventually(t, "the rollout", e.isRolledOut)
	t.Logf("%d pods were refused during the rollout", asked.Load())
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// A bad upgrade of Pullgate is nothing that Pullgate forbids, and until it is put right the pods of before do their work.
func testBadUpgrade(t *testing.T, e *environment) {
	namespace, image := e.namespace(t, "enforce"), e.registry.missing(t, "shop/upgrade")
	kubectl(t, "label", "namespace", systemNamespace, "pullgate.dev/mode=enforce")
	kubectl(t, "set", "image", "--namespace="+systemNamespace, "deployment/pullgate", "pullgate="+image)
	eventually(t, "the upgrade to hang", func(context.Context) (bool, any) {
		pods := e.pods(t, systemNamespace)
		return slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return hasFailed(&pod) }), pods
	})
	if warnings, err := e.create(t, namespace, e.pod(image)); !isRefusal(err) {
		t.Errorf("during the upgrade: got error %v and warnings %q, want a refusal", err, warnings)
	}
	kubectl(t, "rollout", "undo", "--namespace="+systemNamespace, "deployment/pullgate")
	e.awaitRollout(t)
}

// isRolledOut tells whether all pods are of the newest kind, and the older ones have gone.
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

// While nobody answers, pods are admitted as if there were no gate. It is on again when Pullgate is.
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
	e.awaitGate(t)
}
