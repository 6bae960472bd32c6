package integration

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const gone = "Unpullable NotFound"

// modeOutcomes returns the outcomes of a pod whose image is missing, by mode.
func modeOutcomes() map[string]outcome {
	return map[string]outcome{
		"enforce": {Denied: goneDenied, Audited: gone},
		"warn":    {Warnings: []string{goneWarning}, Audited: gone},
		"audit":   {Audited: gone},
		"off":     {},
		// An unknown mode acts as warn. A namespace without a mode is not checked.
		"enforced": {Warnings: []string{goneWarning}, Audited: gone},
		"":         {},
	}
}

func testModes(t *testing.T, e *environment) {
	for mode, want := range modeOutcomes() {
		t.Run("mode "+mode, func(t *testing.T) {
			t.Parallel()
			e.testPod(t, e.namespace(t, mode), podCase{images: []string{imageGone}, want: want})
		})
	}
}

// testDryRun checks that a dry run has the same outcomes and stores no pod.
func testDryRun(t *testing.T, e *environment) {
	for mode, want := range modeOutcomes() {
		t.Run("mode "+mode, func(t *testing.T) {
			t.Parallel()
			namespace, c := e.namespace(t, mode), e.caller(t)
			pod := newPod(namespace, e.registry.expand(imageGone))
			got := outcomeOf(t, c.create(pod, client.DryRunAll), e.audit.await(t, "create", "pods", namespace, 1), podsWebhook)
			if diff := cmp.Diff(want.expand(e.registry), got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); !apierrors.IsNotFound(err) {
				t.Errorf("reading the pod after a dry run: got %v, want not found", err)
			}
		})
	}
}

// testAuditAnnotations checks every annotation in the audit log, in mode audit.
func testAuditAnnotations(t *testing.T, e *environment) {
	namespace, c := e.namespace(t, "audit"), e.caller(t)
	images := []string{e.registry.expand(imagePublic), e.registry.expand(imageGone), e.registry.expand(imageDown)}
	c.must(c.create(newPod(namespace, images...)))
	want := map[string]string{
		"outcome": "Unpullable",
		"reasons": "NotFound,RegistryUnavailable",
		"findings": e.registry.expand(`[{"path":"spec.containers[1].image","image":"REGISTRY/public/web:gone","outcome":"Unpullable","reason":"NotFound"},` +
			`{"path":"spec.containers[2].image","image":"DOWN/web:1","outcome":"Indeterminate","reason":"RegistryUnavailable"}]`),
	}
	if diff := cmp.Diff(want, e.audit.await(t, "create", "pods", namespace, 1).of(podsWebhook)); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

// testChangedMode changes the mode several times. Each mode takes effect soon, without a restart.
func testChangedMode(t *testing.T, e *environment) {
	c := e.caller(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: e.namespace(t, "")}}
	for _, mode := range []string{"enforce", "warn", "audit", "off", "enforce"} {
		c.must(c.patchMode(ns, mode))
		want := modeOutcomes()[mode].expand(e.registry)
		eventually(t, "mode "+mode, func(context.Context) bool {
			got := c.create(newPod(ns.Name, e.registry.expand(imageGone)), client.DryRunAll)
			return got.denied() == (want.Denied != "") && cmp.Equal(want.Warnings, got.warnings)
		})
	}
}

// patchMode sets the mode label of the namespace.
func (c *caller) patchMode(ns *corev1.Namespace, mode string) response {
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"pullgate.dev/mode":"`+mode+`"}}}`))
	err := c.client.Patch(c.t.Context(), ns, patch)
	return response{err, c.warnings.take()}
}

// testModeLabel checks that only a request that sets an unknown mode gets a warning.
func testModeLabel(t *testing.T, e *environment) {
	unknown := []string{`label pullgate.dev/mode: "enforcing" is not one of enforce, warn, audit, off; it acts as warn`}
	for name, test := range map[string]struct {
		before, after string
		want          []string
	}{
		"known":                 {before: "warn", after: "enforce"},
		"unknown":               {before: "warn", after: "enforcing", want: unknown},
		"unknown and unchanged": {before: "enforcing", after: "enforcing"},
		"unknown to known":      {before: "enforcing", after: "off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := e.caller(t)
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
				GenerateName: "test-", Labels: map[string]string{"pullgate.dev/mode": test.before},
			}}
			created := c.create(ns)
			c.must(created)
			if warned := len(created.warnings) == 1; warned != (test.before == "enforcing") {
				t.Errorf("creating: warnings %q", created.warnings)
			}
			got := c.patchMode(ns, test.after)
			c.must(got)
			if diff := cmp.Diff(test.want, got.warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// testOptOut installs the overlay that checks every namespace without a label, with a process of its own.
func testOptOut(t *testing.T, e *environment) {
	namespace := e.namespace(t, "")
	unchecked := e.namespace(t, "off")
	objects := render(t, "all-namespaces")
	l := e.newLaunch(t, objects, objects.deployment(t).Spec.Template.Spec.ServiceAccountName)
	l.start(t).awaitReady(t)
	e.replaceWebhooks(t, objects, l.webhookURL())
	eventually(t, "a warning in a namespace without the label", func(context.Context) bool {
		got := e.caller(t).create(newPod(namespace, e.registry.expand(imageGone)), client.DryRunAll)
		return cmp.Equal([]string{e.registry.expand(goneWarning)}, got.warnings)
	})
	if got := e.caller(t).create(newPod(unchecked, e.registry.expand(imageGone)), client.DryRunAll); got.err != nil || got.warnings != nil {
		t.Errorf("in a namespace in mode off: got %v, warnings %q; want neither", got.err, got.warnings)
	}
	e.replaceWebhooks(t, e.objects, e.launch.webhookURL())
	eventually(t, "no warning in a namespace without the label", func(context.Context) bool {
		return e.caller(t).create(newPod(namespace, e.registry.expand(imageGone)), client.DryRunAll).warnings == nil
	})
}
