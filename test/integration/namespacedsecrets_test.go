package integration

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testNamespacedSecrets runs Pullgate with the rights of the component namespaced-secrets. A namespace with a RoleBinding is
// checked with its pull secret. In another one the verdict is indeterminate, and the warning names the missing right.
func testNamespacedSecrets(t *testing.T, e *environment) {
	const account, role, pullSecrets = "namespaced", "test-namespaced", "pullgate-pull-secrets"
	c := e.caller(t)
	for _, object := range render(t, "namespaced-secrets") {
		switch {
		case object.GetKind() != "ClusterRole":
		case object.GetName() == "pullgate": // the shared installation has a role of this name
			object.SetName(role)
			c.must(c.create(object))
		case object.GetName() == pullSecrets:
			c.must(c.create(object))
		}
	}
	p, ca := e.startWithCertDir(t, account, role)
	webhook := newEndpoint(t, p, ca.Pool())
	review := func(namespace string) *admissionv1.AdmissionResponse {
		pod := newPod(namespace, e.registry.expand(imagePrivate))
		pod.APIVersion, pod.Kind = "v1", "Pod"
		pod.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "regcred"}}
		return webhook.review(t, request(t, namespace, metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, pod))
	}

	unbound := e.namespace(t, "enforce", e.registry.pullSecret("regcred"))
	got := review(unbound)
	want := []string{e.registry.expand(`container "web": image "HEAD…hop/web:1.27" may not be pullable: NodeCredentials: Pullgate could not read pull secret "regcred": no right to get it (RBAC)`)}
	if diff := cmp.Diff(want, got.Warnings); diff != "" || !got.Allowed {
		t.Errorf("without a RoleBinding: allowed: %v, warnings (-want +got):\n%s", got.Allowed, diff)
	}

	bound := e.namespace(t, "enforce", e.registry.pullSecret("regcred"))
	c.must(c.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: bound, Name: "pullgate"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: pullSecrets},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: account}},
	}))
	eventually(t, "the pull secret to be used", func(context.Context) bool {
		got := review(bound)
		if !got.Allowed {
			t.Fatalf("denied: %s", got.Result.Message)
		}
		return len(got.Warnings) == 0
	})
}
