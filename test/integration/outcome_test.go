package integration

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The names of the webhooks.
const (
	podsWebhook      = "pods.pullgate.dev"
	workloadsWebhook = "workloads.pullgate.dev"
)

// outcome is the visible part of a decision. The zero value is an admission without warnings.
type outcome struct {
	// Denied is the message of the denial.
	Denied   string
	Warnings []string
	// Audited has the outcome and the reasons of the audit annotations, as "outcome reasons".
	Audited string
}

// expand replaces the names of the registries by their addresses.
func (o outcome) expand(r *testRegistry) outcome {
	expanded := outcome{Denied: r.expand(o.Denied), Audited: o.Audited}
	for _, text := range o.Warnings {
		expanded.Warnings = append(expanded.Warnings, r.expand(text))
	}
	return expanded
}

// outcomeOf returns the outcome of a response and its audit event. A failed call of the webhook fails the test. A denial that is
// not Pullgate's, or that kubectl would print in another form, ends it.
func outcomeOf(t *testing.T, a response, event auditEvent, webhook string) outcome {
	t.Helper()
	if event.failedOpen() {
		t.Errorf("the object was admitted unchecked: %v", event.Annotations)
	}
	annotations := event.of(webhook)
	o := outcome{Warnings: a.warnings, Audited: strings.TrimSpace(annotations["outcome"] + " " + annotations["reasons"])}
	if a.err == nil {
		return o
	}
	status := a.status()
	message, own := strings.CutPrefix(status.Message, `admission webhook "`+webhook+`" denied the request: `)
	if !own || status.Code != http.StatusForbidden || status.Reason != metav1.StatusReasonForbidden {
		t.Fatalf("got %d %s: %v", status.Code, status.Reason, a.err)
	}
	o.Denied = message
	return o
}

// podCase is a pod to create in its own namespace in mode enforce.
type podCase struct {
	images  []string
	change  func(*corev1.Pod)
	objects []client.Object
	want    outcome
}

// testPodCases creates the pods in parallel.
func testPodCases(t *testing.T, e *environment, cases map[string]podCase) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e.testPod(t, e.namespace(t, "enforce", c.objects...), c)
		})
	}
}

// testPod creates one pod and compares the outcome.
func (e *environment) testPod(t *testing.T, namespace string, c podCase) {
	t.Helper()
	var images []string
	for _, image := range c.images {
		images = append(images, e.registry.expand(image))
	}
	pod := newPod(namespace, images...)
	if c.change != nil {
		c.change(pod)
	}
	got := outcomeOf(t, e.caller(t).create(pod), e.audit.await(t, "create", "pods", namespace, 1), podsWebhook)
	c.want.Denied = strings.ReplaceAll(c.want.Denied, "NAMESPACE", namespace)
	c.want.Warnings = slices.Clone(c.want.Warnings) // cases share them
	for i, warning := range c.want.Warnings {
		c.want.Warnings[i] = strings.ReplaceAll(warning, "NAMESPACE", namespace)
	}
	if diff := cmp.Diff(c.want.expand(e.registry), got); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}
