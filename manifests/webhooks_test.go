package manifests_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/policy"
)

func loadWebhooks(t *testing.T) *admissionregistrationv1.ValidatingWebhookConfiguration {
	t.Helper()
	return decode[*admissionregistrationv1.ValidatingWebhookConfiguration](t, "base/70-validatingwebhookconfiguration.yaml")
}

func webhookNamed(t *testing.T, name string) admissionregistrationv1.ValidatingWebhook {
	t.Helper()
	all := loadWebhooks(t).Webhooks
	i := slices.IndexFunc(all, func(w admissionregistrationv1.ValidatingWebhook) bool { return w.Name == name })
	if i < 0 {
		t.Fatalf("no webhook %s", name)
	}
	return all[i]
}

// Every webhook ignores failures, ends within five seconds and has no side effects.
func TestWebhooksFailOpen(t *testing.T) {
	t.Parallel()
	for _, w := range loadWebhooks(t).Webhooks {
		tests := map[string]struct{ got, want any }{
			"failure policy": {*w.FailurePolicy, admissionregistrationv1.Ignore},
			"match policy":   {*w.MatchPolicy, admissionregistrationv1.Equivalent},
			"side effects":   {*w.SideEffects, admissionregistrationv1.SideEffectClassNone},
			"timeout":        {*w.TimeoutSeconds, int32(5)},
			"versions":       {w.AdmissionReviewVersions, []string{"v1"}},
			"path":           {*w.ClientConfig.Service.Path, webhook.Path},
			"service":        {w.ClientConfig.Service.Name, certs.ServiceName},
			"no authority":   {len(w.ClientConfig.CABundle), 0},
		}
		for name, tc := range tests {
			t.Run(w.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				if diff := cmp.Diff(tc.want, tc.got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// No overlay can change an object. Kubectl applies the webhooks last: the API server must not call a Service that does not exist yet.
func TestOverlaysValidateOnly(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays() {
		var got []string
		for _, object := range render(t, overlay) {
			if object.GroupVersionKind().Group == admissionregistrationv1.GroupName {
				got = append(got, object.GetKind())
			}
		}
		if diff := cmp.Diff([]string{"ValidatingWebhookConfiguration"}, got); diff != "" {
			t.Errorf("%s: objects that take part in admission (-want +got):\n%s", overlay, diff)
		}
	}
	resources := unmarshal[kustomization](t, "base/kustomization.yaml").Resources
	if last := resources[len(resources)-1]; last != "70-validatingwebhookconfiguration.yaml" {
		t.Errorf("the last file is %s, want the webhooks", last)
	}
}

// TestNamespaceSelectorsFollowTheMode evaluates the selectors instead of comparing their text.
func TestNamespaceSelectorsFollowTheMode(t *testing.T) {
	t.Parallel()
	const unlabelled = "-"
	tests := map[string]struct {
		namespace, mode        string
		pods, optOut, misspelt bool
	}{
		"enforce":             {namespace: "shop", mode: "enforce", pods: true, optOut: true},
		"warn":                {namespace: "shop", mode: "warn", pods: true, optOut: true},
		"audit":               {namespace: "shop", mode: "audit", pods: true, optOut: true},
		"off":                 {namespace: "shop", mode: "off"},
		"unlabelled":          {namespace: "shop", mode: unlabelled, optOut: true},
		"misspelt":            {namespace: "shop", mode: "enforced", pods: true, optOut: true, misspelt: true},
		"empty":               {namespace: "shop", mode: "", pods: true, optOut: true, misspelt: true},
		"kube-system":         {namespace: "kube-system", mode: "enforce"},
		"kube-public":         {namespace: "kube-public", mode: "enforce"},
		"kube-node-lease":     {namespace: "kube-node-lease", mode: "enforce"},
		"Pullgate's own":      {namespace: certs.Namespace, mode: "enforce"},
		"own and misspelt":    {namespace: certs.Namespace, mode: "enforced"},
		"system, unlabelled":  {namespace: "kube-system", mode: unlabelled},
		"Pullgate unlabelled": {namespace: certs.Namespace, mode: unlabelled},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := labels.Set{corev1.LabelMetadataName: tc.namespace}
			if tc.mode != unlabelled {
				set[policy.LabelMode] = tc.mode
			}
			for hook, want := range map[string]bool{
				"pods.pullgate.dev": tc.pods, "workloads.pullgate.dev": tc.pods, "labels.pullgate.dev": tc.misspelt,
			} {
				if got := selects(t, webhookNamed(t, hook).NamespaceSelector, set); got != want {
					t.Errorf("%s: got %v, want %v", hook, got, want)
				}
			}
			optOut := webhookNamed(t, "pods.pullgate.dev").NamespaceSelector
			optOut.MatchExpressions = optOut.MatchExpressions[1:]
			if got := selects(t, optOut, set); got != tc.optOut {
				t.Errorf("opt-out: got %v, want %v", got, tc.optOut)
			}
		})
	}
}

func selects(t *testing.T, s *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatalf("parsing selector: %v", err)
	}
	return selector.Matches(set)
}

// The opt-out patch removes the first requirement, which must be the tested one.
func TestAllNamespacesRemovesTheOptIn(t *testing.T) {
	t.Parallel()
	optIn := map[string]any{"key": policy.LabelMode, "operator": "Exists"}
	var want []operation
	for _, path := range []string{
		"/webhooks/0/namespaceSelector/matchExpressions/0", "/webhooks/1/namespaceSelector/matchExpressions/0",
	} {
		want = append(want, operation{Op: "test", Path: path, Value: optIn}, operation{Op: "remove", Path: path})
	}
	got := unmarshal[[]operation](t, "components/all-namespaces/patch-validatingwebhookconfiguration.yaml")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("patch (-want +got):\n%s", diff)
	}
	hooks := loadWebhooks(t).Webhooks
	for i, name := range []string{"pods.pullgate.dev", "workloads.pullgate.dev"} {
		first := hooks[i].NamespaceSelector.MatchExpressions[0]
		if hooks[i].Name != name || first.Key != policy.LabelMode || first.Operator != metav1.LabelSelectorOpExists {
			t.Errorf("webhook %d: got %s with first requirement %v", i, hooks[i].Name, first)
		}
	}
}

func TestLabelsWebhookListsTheModes(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range policy.Modes() {
		want = append(want, string(m))
	}
	got := webhookNamed(t, "labels.pullgate.dev").NamespaceSelector.MatchExpressions[1]
	if diff := cmp.Diff(want, got.Values); diff != "" || got.Operator != metav1.LabelSelectorOpNotIn {
		t.Errorf("%s (-modes +values):\n%s", got.Operator, diff)
	}
}

func TestWebhookRulesMatchPodsAndWorkloads(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"pods.pullgate.dev": {
			"CREATE pods", "UPDATE pods", "UPDATE pods/ephemeralcontainers",
		},
		"workloads.pullgate.dev": {
			"CREATE apps/deployments", "CREATE apps/replicasets", "CREATE apps/statefulsets", "CREATE apps/daemonsets",
			"UPDATE apps/deployments", "UPDATE apps/replicasets", "UPDATE apps/statefulsets", "UPDATE apps/daemonsets",
			"CREATE batch/jobs", "CREATE batch/cronjobs", "UPDATE batch/jobs", "UPDATE batch/cronjobs",
			"CREATE replicationcontrollers", "CREATE podtemplates",
			"UPDATE replicationcontrollers", "UPDATE podtemplates",
		},
		"labels.pullgate.dev": {"CREATE namespaces", "UPDATE namespaces"},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, requests(webhookNamed(t, name).Rules)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
	if got := len(loadWebhooks(t).Webhooks); got != len(tests) {
		t.Errorf("got %d webhooks, want %d", got, len(tests))
	}
}

// requests returns the requests that the rules match.
func requests(rules []admissionregistrationv1.RuleWithOperations) []string {
	var out []string
	for _, r := range rules {
		prefix := ""
		if r.APIGroups[0] != "" {
			prefix = r.APIGroups[0] + "/"
		}
		for _, operation := range r.Operations {
			for _, resource := range r.Resources {
				out = append(out, string(operation)+" "+prefix+resource)
			}
		}
	}
	return out
}

func TestCertManagerInjectsItsAuthority(t *testing.T) {
	t.Parallel()
	patch := decode[*admissionregistrationv1.ValidatingWebhookConfiguration](t, "cert-manager/patch-validatingwebhookconfiguration.yaml")
	serving := unmarshal[certificate](t, "../certs/40-certificate.yaml")
	if patch.Name != certs.WebhookConfigurationName {
		t.Errorf("patched: got %q, want %q", patch.Name, certs.WebhookConfigurationName)
	}
	want := serving.Metadata.Namespace + "/" + serving.Metadata.Name
	if got := patch.Annotations["cert-manager.io/inject-ca-from"]; got != want {
		t.Errorf("injected from: got %q, want %q", got, want)
	}
}
