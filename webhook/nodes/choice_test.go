package nodes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// TestChoose names the entries of an index by their places.
func TestChoose(t *testing.T) {
	t.Parallel()
	const offered = "linux/amd64 linux/arm64/v8 unknown/unknown linux/amd64"
	amd, arm := newNode("a", "linux/amd64"), newNode("b", "linux/arm64")
	resting := newNode("c", "linux/arm64", cordoned)
	type choices = [][]int
	tests := map[string]struct {
		candidates nodes.Candidates
		offered    string
		want       choices
		all        bool
	}{
		"every entry of the platform":     {snapshot(t, "", amd).Candidates(nil), offered, choices{{0, 3}}, true},
		"for each platform":               {snapshot(t, "", amd, arm, amd).Candidates(nil), offered, choices{{0, 3}, {1}}, true},
		"for nodes that are cordoned too": {snapshot(t, "", amd, resting).Candidates(nil), offered, choices{{0, 3}, {1}}, true},
		"without a platform":              {snapshot(t, "", amd, arm).Candidates(nil), "linux/arm64 -", choices{{1}, {0, 1}}, true},
		"the same for both":               {snapshot(t, "", amd, arm).Candidates(nil), "-", choices{{0}}, true},
		"for none":                        {snapshot(t, "", newNode("d", "linux/s390x")).Candidates(nil), offered, nil, true},
		"declared":                        {nodes.Declared(of(t, "linux/arm64")).Candidates(nil), offered, choices{{1}}, true},
		"nobody asked":                    {nodes.Declared(nil).Candidates(nil), offered, nil, false},
		"nodes that may come":             {snapshot(t, "", amd).Candidates(&corev1.PodSpec{NodeName: "e"}), offered, choices{{0, 3}}, false},
	}
	pinned := selecting(system, "linux", architecture, "arm64")
	tests["nodes of one platform that may come"] = struct {
		candidates nodes.Candidates
		offered    string
		want       choices
		all        bool
	}{snapshot(t, "", amd).Candidates(&pinned), offered, choices{{1}}, true}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, all := test.candidates.FetchedEntries(of(t, test.offered))
			if diff := cmp.Diff(test.want, got); diff != "" || all != test.all {
				t.Errorf("got all = %t, want %t; choices differ (-want +got):\n%s", all, test.all, diff)
			}
		})
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	nameless := newNode("x", "linux/amd64", labelled(architecture, ""))
	windows := newNode("w", "windows/amd64", labelled(corev1.LabelWindowsBuild, "10.0.20348"))
	tests := map[string]struct {
		nodes    []corev1.Node
		declared string
		platform string
		want     bool
	}{
		"the same":                       {[]corev1.Node{newNode("a", "linux/amd64")}, "", "linux/amd64", true},
		"an older one":                   {[]corev1.Node{newNode("a", "linux/amd64")}, "", "linux/386", true},
		"32 bits on 64":                  {[]corev1.Node{newNode("a", "linux/arm64")}, "", "linux/arm/v7", true},
		"a newer one":                    {[]corev1.Node{newNode("a", "linux/amd64")}, "", "linux/amd64/v3", false},
		"another":                        {[]corev1.Node{newNode("a", "linux/amd64")}, "", "linux/arm64", false},
		"another system":                 {[]corev1.Node{newNode("a", "linux/amd64")}, "", "windows/amd64", false},
		"one of two":                     {[]corev1.Node{newNode("a", "linux/amd64"), newNode("b", "linux/arm64")}, "", "linux/arm64", true},
		"a node that does not tell":      {[]corev1.Node{nameless}, "", "linux/arm64", true},
		"32 bits of some kind":           {[]corev1.Node{newNode("a", "linux/arm")}, "", "linux/arm/v6", true},
		"the build of Windows is no CPU": {[]corev1.Node{windows}, "", "windows/amd64", true},
		"no node yet":                    {nil, "", "linux/s390x", true},
		"declared":                       {nil, "linux/arm64", "linux/s390x", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := snapshot(t, test.declared, test.nodes...).Candidates(nil)
			if got, wanted := c.CanRun(of(t, test.platform)[0]); got != test.want {
				t.Errorf("Runs() = %t against %v, want %t", got, wanted, test.want)
			}
		})
	}
	if got, _ := nodes.Declared(nil).Candidates(nil).CanRun(of(t, "linux/s390x")[0]); !got {
		t.Error("Runs() = false where nobody knows the nodes")
	}
}

func TestMayHoldPart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		nodes []corev1.Node
		want  bool
	}{
		"no node":                        {nil, false},
		"nothing of the kind":            {[]corev1.Node{newNode("a", "linux/amd64")}, false},
		"the image":                      {[]corev1.Node{newNode("a", "linux/amd64", holding(web))}, true},
		"another version":                {[]corev1.Node{newNode("a", "linux/amd64", holding("registry.example/shop/web:2"))}, true},
		"by digest":                      {[]corev1.Node{newNode("a", "linux/amd64", holding(webRepo))}, true},
		"the same by another name":       {[]corev1.Node{newNode("a", "linux/amd64", holding("mirror.example/web@"+digest))}, true},
		"another repository":             {[]corev1.Node{newNode("a", "linux/amd64", holding("registry.example/shop/webs:1"))}, false},
		"on one of two":                  {[]corev1.Node{newNode("a", "linux/amd64"), newNode("b", "linux/amd64", holding(web))}, true},
		"on a cordoned one":              {[]corev1.Node{newNode("a", "linux/amd64", holding(web), cordoned)}, true},
		"on one that is not a candidate": {[]corev1.Node{newNode("a", "linux/amd64", holding(web), tainted("mine", corev1.TaintEffectNoSchedule))}, false},
		"not reported":                   {[]corev1.Node{newNode("a", "linux/amd64", crowded(50))}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := snapshot(t, "", test.nodes...).Candidates(nil).MayHaveLayers(webImage().Repository(), digest); got != test.want {
				t.Errorf("MayHaveLayers() = %t, want %t", got, test.want)
			}
		})
	}
	if nodes.Declared(nil).Candidates(nil).MayHaveLayers(webImage().Repository(), digest) {
		t.Error("MayHaveLayers() = true of stock nodes")
	}
}
