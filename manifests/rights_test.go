package manifests_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook/nodes/localregistry"
)

// A stolen token has every right in this list.
func TestRolesGrantTheMinimalRights(t *testing.T) {
	t.Parallel()
	core := func(resource string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{resource}, Verbs: verbs}
	}
	hooks := func(names []string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{
			APIGroups: []string{"admissionregistration.k8s.io"}, Resources: []string{"validatingwebhookconfigurations"},
			ResourceNames: names, Verbs: verbs,
		}
	}
	updateSecret := core("secrets", "update")
	updateSecret.ResourceNames = []string{certs.SecretName}
	readLocalRegistry := core("configmaps", "get", "list", "watch")
	readLocalRegistry.ResourceNames = []string{localregistry.Name}

	tests := map[string]struct{ got, want []rbacv1.PolicyRule }{
		"base, cluster": {
			got: decode[*rbacv1.ClusterRole](t, "base/20-clusterrole.yaml").Rules,
			want: []rbacv1.PolicyRule{
				core("secrets", "get"), core("serviceaccounts", "get"), core("nodes", "get", "list", "watch"),
				core("namespaces", "get", "list", "watch"),
			},
		},
		"base, kube-public": {
			got:  decode[*rbacv1.Role](t, "base/22-role.yaml").Rules,
			want: []rbacv1.PolicyRule{readLocalRegistry},
		},
		"self-signed, own namespace": {
			got:  decode[*rbacv1.Role](t, "self-signed/20-role.yaml").Rules,
			want: []rbacv1.PolicyRule{core("secrets", "get", "list", "watch"), updateSecret},
		},
		"self-signed, cluster": {
			got: decode[*rbacv1.ClusterRole](t, "self-signed/30-clusterrole.yaml").Rules,
			want: []rbacv1.PolicyRule{
				hooks(nil, "list", "watch"), hooks([]string{certs.WebhookConfigurationName}, "get", "update"),
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRolesAreBoundToTheServiceAccountOfThePods(t *testing.T) {
	t.Parallel()
	account := decode[*corev1.ServiceAccount](t, "base/10-serviceaccount.yaml")
	subject := []rbacv1.Subject{{Kind: "ServiceAccount", Name: account.Name, Namespace: account.Namespace}}
	role := func(kind, name string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	base := decode[*rbacv1.ClusterRoleBinding](t, "base/21-clusterrolebinding.yaml")
	public := decode[*rbacv1.RoleBinding](t, "base/23-rolebinding.yaml")
	local := decode[*rbacv1.RoleBinding](t, "self-signed/21-rolebinding.yaml")
	cluster := decode[*rbacv1.ClusterRoleBinding](t, "self-signed/31-clusterrolebinding.yaml")

	tests := map[string]struct{ got, want any }{
		"pods":                        {loadDeployment(t).Spec.Template.Spec.ServiceAccountName, account.Name},
		"base":                        {base.Subjects, subject},
		"base role":                   {base.RoleRef, role("ClusterRole", "pullgate")},
		"base, kube-public":           {public.Subjects, subject},
		"base, kube-public role":      {public.RoleRef, role("Role", "pullgate")},
		"base, kube-public namespace": {public.Namespace, localregistry.Namespace},
		"base, kube-public namespace of the role": {decode[*rbacv1.Role](t, "base/22-role.yaml").Namespace, localregistry.Namespace},
		"self-signed, own namespace":              {local.Subjects, subject},
		"self-signed, own namespace role":         {local.RoleRef, role("Role", "pullgate-certs")},
		"self-signed, cluster":                    {cluster.Subjects, subject},
		"self-signed, cluster role":               {cluster.RoleRef, role("ClusterRole", "pullgate-certs")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
