package nodes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// The rows give the entries of an index by their positions.
func TestFetchedEntries(t *testing.T) {
	t.Parallel()
	const offered = "linux/amd64 linux/arm64/v8 unknown/unknown linux/amd64"
	amd, arm := newNode("a", "linux/amd64"), newNode("b", "linux/arm64")
	unavailable := newNode("c", "linux/arm64", cordoned)
	type entries = [][]int
	tests := map[string]struct {
		candidates nodes.Candidates
		offered    string
		want       entries
		all        bool
	}{
		"every entry of the platform": {newSnapshot(t, "", amd).Candidates(nil), offered, entries{{0, 3}}, true},
		"for each platform":           {newSnapshot(t, "", amd, arm, amd).Candidates(nil), offered, entries{{0, 3}, {1}}, true},
		"for a cordoned node too":     {newSnapshot(t, "", amd, unavailable).Candidates(nil), offered, entries{{0, 3}, {1}}, true},
		"without a platform":          {newSnapshot(t, "", amd, arm).Candidates(nil), "linux/arm64 -", entries{{1}, {0, 1}}, true},
		"equal for both":              {newSnapshot(t, "", amd, arm).Candidates(nil), "-", entries{{0}}, true},
		"for no entry":                {newSnapshot(t, "", newNode("d", "linux/s390x")).Candidates(nil), offered, nil, true},
		"declared":                    {nodes.Declared(platforms(t, "linux/arm64")).Candidates(nil), offered, entries{{1}}, true},
		"unknown nodes":               {nodes.Declared(nil).Candidates(nil), offered, nil, false},
		"nodes that may join":         {newSnapshot(t, "", amd).Candidates(&corev1.PodSpec{NodeName: "e"}), offered, entries{{0, 3}}, false},
	}
	selected := selecting(osLabel, "linux", archLabel, "arm64")
	tests["nodes of one platform that may join"] = struct {
		candidates nodes.Candidates
		offered    string
		want       entries
		all        bool
	}{newSnapshot(t, "", amd).Candidates(&selected), offered, entries{{1}}, true}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, all := test.candidates.FetchedEntries(platforms(t, test.offered))
			if diff := cmp.Diff(test.want, got); diff != "" || all != test.all {
				t.Errorf("got all = %t, want %t; entries differ (-want +got):\n%s", all, test.all, diff)
			}
		})
	}
}

func TestContainerd1FetchesTheBestEntry(t *testing.T) {
	t.Parallel()
	for offered, want := range map[string][][]int{
		"linux/386":                         {{0}},
		"linux/386 linux/386":               {{0}},
		"- linux/386":                       {{1}},
		"- -":                               {{0}},
		"linux/arm64 -":                     {{1}},
		"linux/amd64 linux/386 linux/amd64": {{0}},
		"linux/arm64":                       nil,
	} {
		all := newSnapshot(t, "", newNode("plain", "linux/amd64", withRuntime("containerd://1.7.27")))
		got, _ := all.Candidates(nil).FetchedEntries(platforms(t, offered))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: entries (-want +got):\n%s", offered, diff)
		}
	}
}

func TestCanRun(t *testing.T) {
	t.Parallel()
	unlabelled := newNode("x", "linux/amd64", withLabel(archLabel, ""))
	windows := newNode("w", "windows/amd64", withLabel(corev1.LabelWindowsBuild, "10.0.20348"))
	tests := map[string]struct {
		nodes    []corev1.Node
		declared string
		platform string
		want     bool
	}{
		"the same architecture":           {[]corev1.Node{newNode("a", "linux/amd64")}, "", "linux/amd64", true},
		"an older architecture":           {[]corev1.Node{newNode("a", "linux/amd64")}, "", "linux/386", true},
		"32 bits on 64":                   {[]corev1.Node{newNode("a", "linux/arm64")}, "", "linux/arm/v7", true},
		"a newer variant":                 {[]corev1.Node{newNode("a", "linux/amd64")}, "", "linux/amd64/v3", false},
		"another architecture":            {[]corev1.Node{newNode("a", "linux/amd64")}, "", "linux/arm64", false},
		"another system":                  {[]corev1.Node{newNode("a", "linux/amd64")}, "", "windows/amd64", false},
		"one of two":                      {[]corev1.Node{newNode("a", "linux/amd64"), newNode("b", "linux/arm64")}, "", "linux/arm64", true},
		"a node without labels":           {[]corev1.Node{unlabelled}, "", "linux/arm64", true},
		"32 bits of an unknown variant":   {[]corev1.Node{newNode("a", "linux/arm")}, "", "linux/arm/v6", true},
		"the build of Windows is ignored": {[]corev1.Node{windows}, "", "windows/amd64", true},
		"no node yet":                     {nil, "", "linux/s390x", true},
		"declared":                        {nil, "linux/arm64", "linux/s390x", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newSnapshot(t, test.declared, test.nodes...).Candidates(nil)
			if got, compared := c.CanRun(platforms(t, test.platform)[0]); got != test.want {
				t.Errorf("CanRun() = %t for %v, want %t", got, compared, test.want)
			}
		})
	}
	if got, _ := nodes.Declared(nil).Candidates(nil).CanRun(platforms(t, "linux/s390x")[0]); !got {
		t.Error("CanRun() = false for unknown nodes")
	}
}
