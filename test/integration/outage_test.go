package integration

import (
	"net"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// testOutage stops the webhook. Pods that it would deny are admitted then, and the audit log has the cause.
func testOutage(t *testing.T, e *environment) {
	e.pullgate.terminate(t)
	e.pullgate.awaitExit(t)
	t.Run("connection refused", e.testUnchecked)
	t.Run("no response", func(t *testing.T) {
		// The kernel accepts connections, and no program responds.
		listener, err := net.Listen("tcp", e.launch.webhook)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		// The shipped timeout is five times as long.
		e.changeWebhooks(t, func(webhook *admissionregistrationv1.ValidatingWebhook) { webhook.TimeoutSeconds = new(int32(1)) })
		e.testUnchecked(t)
	})
	e.replaceWebhooks(t, e.objects, e.launch.webhookURL())

	e.pullgate = e.launch.start(e.root)
	e.pullgate.awaitReady(t)
	e.awaitDecisions(t)
}

// testUnchecked checks that a pod is admitted because its webhook could not be called.
func (e *environment) testUnchecked(t *testing.T) {
	namespace := e.namespace(t, "enforce")
	got := e.caller(t).create(newPod(namespace, e.registry.expand(imageGone)))
	if got.err != nil || got.warnings != nil {
		t.Errorf("got %v, warnings %q; want no error and no warning", got.err, got.warnings)
	}
	if event := e.audit.await(t, "create", "pods", namespace, 1); !event.failedOpen() {
		t.Errorf("the audit event does not show that the webhook failed open: %v", event.Annotations)
	}
}
