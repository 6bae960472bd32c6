package manifests_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook/nodes/localregistry"
)

// A stolen token has every right in these files, one for each overlay. UPDATE_GOLDEN=1 writes them.
func TestRolesGrantTheGoldenRights(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays() {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			golden := filepath.Join("testdata", "rights", overlay+".golden")
			got := rights(t, render(t, overlay))
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), got); diff != "" {
				t.Errorf("rights (-want +got):\n%s", diff)
			}
		})
	}
}

// rights returns one line for each rule of the roles, with the scope in which the role is bound.
func rights(t *testing.T, objects []unstructured.Unstructured) string {
	t.Helper()
	scopes := make(map[string]string)
	for _, b := range ofKind[rbacv1.ClusterRoleBinding](t, objects, "ClusterRoleBinding") {
		scopes[b.RoleRef.Kind+"/"+b.RoleRef.Name] = "the cluster"
	}
	for _, b := range ofKind[rbacv1.RoleBinding](t, objects, "RoleBinding") {
		scopes[b.RoleRef.Kind+"/"+b.Namespace+"/"+b.RoleRef.Name] = "namespace " + b.Namespace
	}
	var lines []string
	add := func(role string, rules []rbacv1.PolicyRule) {
		scope := scopes[role]
		if scope == "" {
			scope = "no scope"
		}
		for _, r := range rules {
			line := scope + ": " + strings.Join(r.Verbs, ", ") + " " + strings.Join(r.Resources, ", ")
			if group := strings.Join(r.APIGroups, ", "); group != "" {
				line += " of " + group
			}
			if len(r.ResourceNames) > 0 {
				line += " named " + strings.Join(r.ResourceNames, ", ")
			}
			if len(r.NonResourceURLs) > 0 {
				line += " URLs " + strings.Join(r.NonResourceURLs, ", ")
			}
			lines = append(lines, line+" ("+role+")\n")
		}
	}
	for _, r := range ofKind[rbacv1.ClusterRole](t, objects, "ClusterRole") {
		add("ClusterRole/"+r.Name, r.Rules)
	}
	for _, r := range ofKind[rbacv1.Role](t, objects, "Role") {
		add("Role/"+r.Namespace+"/"+r.Name, r.Rules)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// The rules name the objects that the code reads and writes.
func TestRightsNameTheObjectsOfTheCode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rule rbacv1.PolicyRule
		want string
	}{
		"secret":                          {decode[*rbacv1.Role](t, "self-signed/20-role.yaml").Rules[1], certs.SecretName},
		"webhook configuration, to read":  {decode[*rbacv1.ClusterRole](t, "base/20-clusterrole.yaml").Rules[4], certs.WebhookConfigurationName},
		"webhook configuration, to write": {decode[*rbacv1.ClusterRole](t, "self-signed/30-clusterrole.yaml").Rules[0], certs.WebhookConfigurationName},
		"local registry":                  {decode[*rbacv1.Role](t, "base/22-role.yaml").Rules[0], localregistry.Name},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{tc.want}, tc.rule.ResourceNames); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
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
	events := decode[*rbacv1.ClusterRoleBinding](t, "components/denial-events/26-clusterrolebinding-events.yaml")

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
		"events":                                  {events.Subjects, subject},
		"events role":                             {events.RoleRef, role("ClusterRole", "pullgate-events")},
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

// Kustomize replaces the name of a generated ConfigMap in every role, also if the role means an object of another kind.
func TestNoRoleNamesTheGeneratedConfigMap(t *testing.T) {
	t.Parallel()
	generated := unmarshal[kustomization](t, "base/kustomization.yaml").ConfigMapGenerator[0].Name
	for _, overlay := range overlays() {
		objects := render(t, overlay)
		var rules []rbacv1.PolicyRule
		for _, r := range ofKind[rbacv1.ClusterRole](t, objects, "ClusterRole") {
			rules = append(rules, r.Rules...)
		}
		for _, r := range ofKind[rbacv1.Role](t, objects, "Role") {
			rules = append(rules, r.Rules...)
		}
		for _, r := range rules {
			if slices.Contains(r.ResourceNames, generated) {
				t.Errorf("%s: a role names %s, which kustomize changes: %v", overlay, generated, r)
			}
		}
	}
}

// The API server assigns a request to the matching flow schema with the lowest precedence.
func TestFlowSchemaPrecedesTheOneOfServiceAccounts(t *testing.T) {
	t.Parallel()
	const serviceAccounts = 9000 // (Kubernetes: apiserver/pkg/apis/flowcontrol/bootstrap/default.go, SuggestedFlowSchemaServiceAccounts)
	spec := decode[*flowcontrolv1.FlowSchema](t, "base/66-flowschema.yaml").Spec
	account := decode[*corev1.ServiceAccount](t, "base/10-serviceaccount.yaml")
	if spec.MatchingPrecedence >= serviceAccounts {
		t.Errorf("precedence %d, want less than %d", spec.MatchingPrecedence, serviceAccounts)
	}
	want := []flowcontrolv1.Subject{{
		Kind:           flowcontrolv1.SubjectKindServiceAccount,
		ServiceAccount: &flowcontrolv1.ServiceAccountSubject{Namespace: account.Namespace, Name: account.Name},
	}}
	if diff := cmp.Diff(want, spec.Rules[0].Subjects); diff != "" {
		t.Errorf("subjects (-want +got):\n%s", diff)
	}
}
