package integration

import (
	"net"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// testOutage takes the webhook away. Pods that it would refuse are then admitted, and the audit log tells why.
func testOutage(t *testing.T, e *environment) {
	e.pullgate.terminate(t)
	e.pullgate.awaitExit(t)
	t.Run("nobody listens", e.testUnchecked)
	t.Run("nobody answers", func(t *testing.T) {
		// The kernel completes connections to it, and nothing else happens.
		listener, err := net.Listen("tcp", e.launch.webhook)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		// The shipped timeout does the same, in ten times the time.
		e.changeWebhooks(t, func(webhook *admissionregistrationv1.ValidatingWebhook) { webhook.TimeoutSeconds = new(int32(1)) })
		e.testUnchecked(t)
	})
	e.replaceWebhooks(t, e.objects)

	e.pullgate = e.launch.start(e.root)
	e.pullgate.awaitReady(t)
	e.awaitDecisions(t)
}

// testUnchecked wants a pod to be admitted because its webhook could not be asked.
func (e *environment) testUnchecked(t *testing.T) {
	namespace := e.namespace(t, "enforce")
	got := e.caller(t).create(newPod(namespace, e.registry.expand(imageGone)))
	if got.err != nil || got.warnings != nil {
		t.Errorf("got %v, warnings %q; want silence", got.err, got.warnings)
	}
	if event := e.audit.await(t, "create", "pods", namespace, 1); !event.failedOpen() {
		t.Errorf("the audit event does not tell that the webhook failed open: %v", event.Annotations)
	}
}
