package nodes_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// Without a feasible node, only the pod's own selectors make a mismatch certain.
func TestServeWithoutAFeasibleNode(t *testing.T) {
	t.Parallel()
	terms := func(terms ...corev1.NodeSelectorTerm) corev1.PodSpec {
		spec := selecting()
		spec.Affinity = requiring(terms...)
		return spec
	}
	onWindows := selecting(archLabel, "amd64")
	onWindows.OS = &corev1.PodOS{Name: corev1.Windows}
	const amd, arm = "linux/amd64", "linux/arm64"
	tests := map[string]struct {
		nodes, offered string
		spec           corev1.PodSpec
		want           nodes.Fit
		compared       string
	}{
		"a platform of the cluster":           {amd, amd, selecting(), nodes.All, amd},
		"another platform":                    {amd, arm, selecting(), nodes.NoCandidate, amd},
		"one of two platforms":                {amd + " " + arm, arm, selecting(), nodes.NoCandidate, amd + " " + arm},
		"no node, the two common platforms":   {"", amd + " " + arm, selecting(), nodes.All, amd + " " + arm},
		"no node, one of them":                {"", amd, selecting(), nodes.NoCandidate, amd + " " + arm},
		"an index of attestations":            {amd, "unknown/unknown", selecting(), nodes.None, ""},
		"an index without entries":            {"", "", selecting(), nodes.None, ""},
		"an entry without a platform":         {"", "-", selecting(), nodes.Unknown, ""},
		"system and architecture, served":     {amd, arm, selecting(osLabel, "linux", archLabel, "arm64"), nodes.All, arm},
		"system and architecture, not served": {amd, amd, selecting(osLabel, "linux", archLabel, "arm64"), nodes.None, arm},
		"by the beta labels":                  {amd, amd, selecting("beta.kubernetes.io/os", "linux", "beta.kubernetes.io/arch", "arm64"), nodes.None, arm},
		"the system by the spec":              {amd, amd, onWindows, nodes.None, "windows/amd64"},
		"the architecture, served":            {amd, arm, selecting(archLabel, "arm64"), nodes.All, arm},
		"the architecture, not served":        {amd, amd, selecting(archLabel, "arm64"), nodes.None, "linux/arm64 windows/arm64"},
		"the architecture, another system":    {amd, "windows/arm64", selecting(archLabel, "arm64"), nodes.NoCandidate, arm},
		"the system, served":                  {amd + " windows/amd64", amd, selecting(osLabel, "linux"), nodes.All, amd},
		"the system, not served":              {amd, "windows/amd64", selecting(osLabel, "linux"), nodes.NoCandidate, amd},
		"a contradiction":                     {amd, arm, selecting(archLabel, "arm64", "beta.kubernetes.io/arch", "amd64"), nodes.NoCandidate, amd},
		"an affinity, served": {
			amd, arm, terms(expressing(in(osLabel, "linux"), in(archLabel, "arm64"))), nodes.All, arm,
		},
		"an affinity, not served": {
			amd, amd, terms(expressing(in(osLabel, "linux"), in(archLabel, "arm64", "s390x"))), nodes.None, "linux/arm64 linux/s390x",
		},
		"an affinity, partly served": {
			amd, amd, terms(expressing(in(osLabel, "linux"), in(archLabel, "arm64", "amd64"))), nodes.Some, "linux/arm64 linux/amd64",
		},
		"an affinity of two lists": {
			amd, amd, terms(expressing(in(osLabel, "linux"), in(archLabel, "arm64", "amd64"), in(archLabel, "arm64"))), nodes.None, arm,
		},
		"two terms, neither served": {
			amd, amd, terms(expressing(in(osLabel, "linux"), in(archLabel, "arm64")), expressing(in(osLabel, "linux"), in(archLabel, "s390x"))), nodes.None, "linux/arm64 linux/s390x",
		},
		"two terms, one without a platform": {
			amd, arm, terms(expressing(in(osLabel, "linux"), in(archLabel, "s390x")), expressing(in("pool", "x"))), nodes.NoCandidate, amd,
		},
		"a list longer than the limit": {
			amd, arm, terms(expressing(in(osLabel, "linux"), in(archLabel, slices.Repeat([]string{"s390x"}, 17)...))), nodes.NoCandidate, amd,
		},
		"a list as long as the limit": {
			amd, arm, terms(expressing(in(osLabel, "linux"), in(archLabel, slices.Repeat([]string{"s390x"}, 16)...))), nodes.None, "linux/s390x",
		},
		"an affinity that excludes": {
			amd, arm, terms(expressing(corev1.NodeSelectorRequirement{Key: archLabel, Operator: corev1.NodeSelectorOpNotIn, Values: []string{"arm64"}})), nodes.NoCandidate, amd,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []corev1.Node
			for _, platform := range platforms(t, tt.nodes) {
				all = append(all, newNode(platform.String(), platform.String()))
			}
			got, compared := newSnapshot(t, "", all...).Candidates(&tt.spec).Serve(platforms(t, tt.offered))
			if got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			if diff := cmp.Diff(platforms(t, tt.compared), compared); diff != "" {
				t.Errorf("platforms (-want +got):\n%s", diff)
			}
		})
	}
}
