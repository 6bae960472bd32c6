package manifests_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/policy"
)

// The webhook configuration selects the namespaces in an API server that respects it. The mode covers every other caller.
func TestDefaultModeAgreesWithTheSelector(t *testing.T) {
	t.Parallel()
	for overlay, want := range map[string]policy.Mode{
		"self-signed": policy.ModeOff, "cert-manager": policy.ModeOff, "namespaced-secrets": policy.ModeOff, "all-namespaces": policy.ModeWarn,
	} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			configMaps := ofKind[corev1.ConfigMap](t, render(t, overlay), "ConfigMap")
			if len(configMaps) != 1 {
				t.Fatalf("got %d ConfigMaps, want 1", len(configMaps))
			}
			c, err := config.Load([]byte(configMaps[0].Data["config.yaml"]))
			if err != nil || c.DefaultMode != want {
				t.Errorf("defaultMode %q, %v; want %q", c.DefaultMode, err, want)
			}
		})
	}
}

// The port of the probes is missing: kubelets reach the pods of their node in spite of a policy. Port 9443 has no restriction,
// because no selector expresses the API server.
func TestNetworkPolicyAcceptsReviewsAndMetrics(t *testing.T) {
	t.Parallel()
	spec := decode[*networkingv1.NetworkPolicy](t, "base/65-networkpolicy.yaml").Spec
	type rule struct {
		Port string
		From []networkingv1.NetworkPolicyPeer
	}
	var got []rule
	for _, r := range spec.Ingress {
		for _, p := range r.Ports {
			got = append(got, rule{p.Port.StrVal, r.From})
		}
	}
	want := []rule{{"webhook", nil}, {"metrics", []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ingress (-want +got):\n%s", diff)
	}
	// A limit on outgoing connections would cut off the API server in some networks.
	if diff := cmp.Diff([]networkingv1.PolicyType{networkingv1.PolicyTypeIngress}, spec.PolicyTypes); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(loadDeployment(t).Spec.Template.Labels, spec.PodSelector.MatchLabels); diff != "" {
		t.Errorf("selector (-labels of the pods +selector):\n%s", diff)
	}
}
