package nodes_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// selecting returns a spec with a selector for a node that is not there, besides what is given.
func selecting(pairs ...string) corev1.PodSpec {
	selector := map[string]string{"pool": "not-there-yet"}
	for i := 0; i < len(pairs); i += 2 {
		selector[pairs[i]] = pairs[i+1]
	}
	return corev1.PodSpec{NodeSelector: selector}
}

const (
	system       = corev1.LabelOSStable
	architecture = corev1.LabelArchStable
)

// TestNoCandidate: where no node is there for the pod, only what it asks for itself makes certain.
func TestNoCandidate(t *testing.T) {
	t.Parallel()
	terms := func(terms ...corev1.NodeSelectorTerm) corev1.PodSpec {
		spec := selecting()
		spec.Affinity = requiring(terms...)
		return spec
	}
	onWindows := selecting(architecture, "amd64")
	onWindows.OS = &corev1.PodOS{Name: corev1.Windows}
	const amd, arm = "linux/amd64", "linux/arm64"
	tests := map[string]struct {
		nodes, offered string
		spec           corev1.PodSpec
		want           nodes.Fit
		wanted         string
	}{
		"as the nodes that are there":      {amd, amd, selecting(), nodes.All, amd},
		"not as those that are there":      {amd, arm, selecting(), nodes.NoCandidate, amd},
		"as some of those that are there":  {amd + " " + arm, arm, selecting(), nodes.NoCandidate, amd + " " + arm},
		"no node at all, the usual two":    {"", amd + " " + arm, selecting(), nodes.All, amd + " " + arm},
		"no node at all, one of them":      {"", amd, selecting(), nodes.NoCandidate, amd + " " + arm},
		"an index of attestations":         {amd, "unknown/unknown", selecting(), nodes.None, ""},
		"an index without entries":         {"", "", selecting(), nodes.None, ""},
		"an entry without a platform":      {"", "-", selecting(), nodes.Unknown, ""},
		"both are asked for, served":       {amd, arm, selecting(system, "linux", architecture, "arm64"), nodes.All, arm},
		"both are asked for, not served":   {amd, amd, selecting(system, "linux", architecture, "arm64"), nodes.None, arm},
		"by the labels of old":             {amd, amd, selecting("beta.kubernetes.io/os", "linux", "beta.kubernetes.io/arch", "arm64"), nodes.None, arm},
		"the system by the spec":           {amd, amd, onWindows, nodes.None, "windows/amd64"},
		"the architecture, served":         {amd, arm, selecting(architecture, "arm64"), nodes.All, arm},
		"the architecture, on no system":   {amd, amd, selecting(architecture, "arm64"), nodes.None, "linux/arm64 windows/arm64"},
		"the architecture, another system": {amd, "windows/arm64", selecting(architecture, "arm64"), nodes.NoCandidate, arm},
		"the system, served":               {amd + " windows/amd64", amd, selecting(system, "linux"), nodes.All, amd},
		"the system, not served":           {amd, "windows/amd64", selecting(system, "linux"), nodes.NoCandidate, amd},
		"a contradiction":                  {amd, arm, selecting(architecture, "arm64", "beta.kubernetes.io/arch", "amd64"), nodes.NoCandidate, amd},
		"an affinity, served": {
			amd, arm, terms(expressing(in(system, "linux"), in(architecture, "arm64"))), nodes.All, arm,
		},
		"an affinity, not served": {
			amd, amd, terms(expressing(in(system, "linux"), in(architecture, "arm64", "s390x"))), nodes.None, "linux/arm64 linux/s390x",
		},
		"an affinity, partly served": {
			amd, amd, terms(expressing(in(system, "linux"), in(architecture, "arm64", "amd64"))), nodes.Some, "linux/arm64 linux/amd64",
		},
		"an affinity that narrows itself": {
			amd, amd, terms(expressing(in(system, "linux"), in(architecture, "arm64", "amd64"), in(architecture, "arm64"))), nodes.None, arm,
		},
		"two terms, neither served": {
			amd, amd, terms(expressing(in(system, "linux"), in(architecture, "arm64")), expressing(in(system, "linux"), in(architecture, "s390x"))), nodes.None, "linux/arm64 linux/s390x",
		},
		"two terms, one of which says nothing": {
			amd, arm, terms(expressing(in(system, "linux"), in(architecture, "s390x")), expressing(in("pool", "x"))), nodes.NoCandidate, amd,
		},
		"a longer list than there are architectures": {
			amd, arm, terms(expressing(in(system, "linux"), in(architecture, slices.Repeat([]string{"s390x"}, 17)...))), nodes.NoCandidate, amd,
		},
		"a list as long as may be": {
			amd, arm, terms(expressing(in(system, "linux"), in(architecture, slices.Repeat([]string{"s390x"}, 16)...))), nodes.None, "linux/s390x",
		},
		"an affinity that excludes": {
			amd, arm, terms(expressing(corev1.NodeSelectorRequirement{Key: architecture, Operator: corev1.NodeSelectorOpNotIn, Values: []string{"arm64"}})), nodes.NoCandidate, amd,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []corev1.Node
			for _, platform := range of(t, tt.nodes) {
				all = append(all, newNode(platform.String(), platform.String()))
			}
			got, wanted := snapshot(t, "", all...).Candidates(&tt.spec).Serve(of(t, tt.offered))
			if got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			if diff := cmp.Diff(of(t, tt.wanted), wanted); diff != "" {
				t.Errorf("platforms (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDoubtfulCandidates: the node that fits is there, and yet nothing is certain.
func TestDoubtfulCandidates(t *testing.T) {
	t.Parallel()
	gates := []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
	selector := map[string]string{system: "linux", architecture: "amd64"}
	outsized := func(n int) corev1.PodSpec {
		// Two selectors and one empty term count too.
		return corev1.PodSpec{NodeSelector: selector, Tolerations: make([]corev1.Toleration, n-3)}
	}
	tests := map[string]struct {
		spec    corev1.PodSpec
		offered string
		want    nodes.Fit
	}{
		"as many rules as are looked at":         {outsized(256), "linux/arm64", nodes.None},
		"more rules than are looked at":          {outsized(257), "linux/arm64", nodes.NoCandidate},
		"more rules, and served":                 {outsized(257), "linux/amd64", nodes.All},
		"more expressions than are looked at":    {corev1.PodSpec{Affinity: requiring(expressing(slices.Repeat([]corev1.NodeSelectorRequirement{in(architecture, "amd64")}, 256)...))}, "linux/arm64", nodes.NoCandidate},
		"a gate, and not served":                 {corev1.PodSpec{SchedulingGates: gates}, "linux/arm64", nodes.NoCandidate},
		"a gate, and served":                     {corev1.PodSpec{SchedulingGates: gates}, "linux/amd64", nodes.All},
		"a gate, and selector":                   {corev1.PodSpec{SchedulingGates: gates, NodeSelector: selector}, "linux/arm64", nodes.None},
		"another scheduler, and not served":      {corev1.PodSpec{SchedulerName: "fargate-scheduler"}, "linux/arm64", nodes.NoCandidate},
		"another scheduler, and served":          {corev1.PodSpec{SchedulerName: "fargate-scheduler"}, "linux/amd64", nodes.All},
		"another scheduler, and selector":        {corev1.PodSpec{SchedulerName: "fargate-scheduler", NodeSelector: selector}, "linux/arm64", nodes.None},
		"another scheduler has bound it":         {corev1.PodSpec{SchedulerName: "fargate-scheduler", NodeName: "plain"}, "linux/arm64", nodes.None},
		"a runtime class, and not served":        {corev1.PodSpec{RuntimeClassName: new("windows")}, "linux/arm64", nodes.NoCandidate},
		"a runtime class, and served":            {corev1.PodSpec{RuntimeClassName: new("windows")}, "linux/amd64", nodes.All},
		"a runtime class, and selector":          {corev1.PodSpec{RuntimeClassName: new("windows"), NodeSelector: selector}, "linux/arm64", nodes.None},
		"the usual scheduler":                    {corev1.PodSpec{SchedulerName: corev1.DefaultSchedulerName}, "linux/arm64", nodes.None},
		"a node that nobody knows":               {corev1.PodSpec{NodeName: "gone"}, "linux/arm64", nodes.NoCandidate},
		"a node that nobody knows, and selector": {corev1.PodSpec{NodeName: "gone", NodeSelector: selector}, "linux/arm64", nodes.None},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := snapshot(t, "", newNode("plain", "linux/amd64"))
			if got, _ := all.Candidates(&tt.spec).Serve(of(t, tt.offered)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// TestDeclaredPlatforms overrule what nodes say, within what the pod asks for.
func TestDeclaredPlatforms(t *testing.T) {
	t.Parallel()
	anywhere := corev1.PodSpec{}
	tests := map[string]struct {
		declared, offered string
		spec              corev1.PodSpec
		want              nodes.Fit
		wanted            string
	}{
		"served":                        {"linux/arm64", "linux/arm64", anywhere, nodes.All, "linux/arm64"},
		"not served":                    {"linux/arm64", "linux/amd64", anywhere, nodes.None, "linux/arm64"},
		"partly served":                 {"linux/amd64 linux/arm64", "linux/amd64", anywhere, nodes.Some, "linux/amd64 linux/arm64"},
		"the pod asks for one of them":  {"linux/amd64 linux/arm64", "linux/amd64", selecting(architecture, "amd64"), nodes.All, "linux/amd64"},
		"the variant is kept":           {"linux/amd64 linux/arm/v6", "linux/arm/v7", selecting(architecture, "arm"), nodes.None, "linux/arm/v6"},
		"the pod asks for another":      {"linux/amd64", "linux/amd64", selecting(architecture, "arm64"), nodes.None, "linux/arm64"},
		"the pod asks for another yet":  {"linux/amd64", "linux/arm64", selecting(system, "linux", architecture, "arm64"), nodes.All, "linux/arm64"},
		"the pod asks for a system":     {"linux/amd64 windows/amd64", "linux/amd64", selecting(system, "linux"), nodes.All, "linux/amd64"},
		"a system that nobody declared": {"linux/amd64", "linux/amd64", selecting(system, "windows"), nodes.All, "linux/amd64"},
		"nothing is declared":           {"", "linux/arm64", anywhere, nodes.All, ""},
		"nothing is declared or served": {"", "unknown/unknown", anywhere, nodes.None, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sources := map[string]interface {
				Candidates(*corev1.PodSpec) nodes.Candidates
			}{"declared": nodes.Declared(of(t, tt.declared))}
			if tt.declared != "" {
				sources["a snapshot"] = snapshot(t, tt.declared, newNode("plain", "linux/s390x"))
			}
			for source, n := range sources {
				got, wanted := n.Candidates(&tt.spec).Serve(of(t, tt.offered))
				if got != tt.want {
					t.Errorf("%s: got %d, want %d", source, got, tt.want)
				}
				if diff := cmp.Diff(of(t, tt.wanted), wanted); diff != "" {
					t.Errorf("%s: platforms (-want +got):\n%s", source, diff)
				}
			}
		})
	}
}

// TestPlatformsInOrder: nodes come in the order of a map, and what is said of them must not change from one moment to the
// next.
func TestPlatformsInOrder(t *testing.T) {
	t.Parallel()
	const offered = "linux/s390x"
	want := of(t, "linux/amd64 linux/arm64 windows/amd64 windows/amd64")
	want[2].OSVersion, want[3].OSVersion = "10.0.17763", "10.0.20348"
	build := func(build string) func(*corev1.Node) {
		return func(n *corev1.Node) { n.Labels[corev1.LabelWindowsBuild] = build }
	}
	all := []corev1.Node{
		newNode("a", "windows/amd64", build("10.0.20348")), newNode("b", "linux/arm64"),
		newNode("c", "windows/amd64", build("10.0.17763")), newNode("d", "linux/amd64"), newNode("e", "linux/amd64"),
	}
	for range all {
		all = append(all[1:], all[0])
		_, got := snapshot(t, "", all...).Candidates(nil).Serve(of(t, offered))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("platforms (-want +got):\n%s", diff)
		}
	}
}
