package integration

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// testDenialEvents runs Pullgate with --denial-events, first without the rights of the component denial-events: a missing right
// changes no response.
func testDenialEvents(t *testing.T, e *environment) {
	const account, role = "recording", "pullgate-events"
	p, ca := e.startWithCertDir(t, account, "pullgate", "--denial-events")
	webhook := newEndpoint(t, p, ca.Pool())
	namespace := e.namespace(t, "enforce")
	review := func(namespace, controller string, dryRun bool) *admissionv1.AdmissionResponse {
		pod := newPod(namespace, e.registry.expand(imageGone))
		pod.APIVersion, pod.Kind = "v1", "Pod"
		if controller != "" {
			pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: controller, UID: "1", Controller: ptr.To(true)}}
		}
		r := request(t, namespace, metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, pod)
		r.DryRun = ptr.To(dryRun)
		return webhook.review(t, r)
	}
	if review(namespace, "forbidden", false).Allowed {
		t.Error("the pod is admitted without the right to create events")
	}
	eventually(t, "the forbidden request", func(context.Context) bool {
		return slices.ContainsFunc(e.audit.events(t, account), func(event auditEvent) bool { return event.ResponseStatus.Code == 403 })
	})

	c := e.caller(t)
	for _, object := range render(t, "denial-events") {
		if object.GetKind() == "ClusterRole" && object.GetName() == role {
			c.must(c.create(object))
		}
	}
	c.must(c.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "test-" + role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: account}},
	}))
	list := func(ctx context.Context, namespace string) (texts []string, messages map[string]bool) {
		var events corev1.EventList
		if err := c.client.List(ctx, &events, client.InNamespace(namespace)); err != nil {
			t.Fatal(err)
		}
		messages = map[string]bool{}
		for _, event := range events.Items {
			messages[event.Message] = true
			o := event.InvolvedObject
			texts = append(texts, fmt.Sprintf("%s %s by %s: %dx %s %s", event.Type, event.Reason, event.Source.Component, event.Count, o.Kind, o.Name))
		}
		slices.Sort(texts)
		return texts, messages
	}
	eventually(t, "an Event with the new right", func(ctx context.Context) bool {
		review(namespace, "probe", false)
		texts, _ := list(ctx, namespace)
		return len(texts) > 0
	})

	other, silent := e.namespace(t, "enforce"), e.namespace(t, "warn")
	review(silent, "web-1", false)
	review(other, "web-2", true)
	var response *admissionv1.AdmissionResponse
	for range 3 {
		response = review(other, "web-1", false)
	}
	review(other, "", false)
	want := []string{"Warning PodDenied by pullgate: 1x Namespace " + other, "Warning PodDenied by pullgate: 3x ReplicaSet web-1"}
	var got []string
	var messages map[string]bool
	eventually(t, "the Events", func(ctx context.Context) bool {
		got, messages = list(ctx, other)
		return cmp.Equal(want, got)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{response.Result.Message: true}, messages); diff != "" {
		t.Errorf("messages (-response +got):\n%s", diff)
	}
	if got, _ := list(t.Context(), silent); len(got) > 0 {
		t.Errorf("Events in a namespace that only warns: %v", got)
	}
	p.terminate(t)
	p.awaitExit(t)
}
