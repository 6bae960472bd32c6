package nodes_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// The configuration applies to nodes that do not report their runtime.
func TestServeFollowsTheNodesRuntime(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		runtimes, platform, offered string
		configured                  imagepull.Runtime
		want                        nodes.Fit
	}{
		"containerd takes no 386":                   {"containerd://2.4.2", "linux/amd64", "linux/386", "", nodes.None},
		"containerd 2.1":                            {"containerd://2.1.0", "linux/amd64", "linux/386", "", nodes.None},
		"containerd 2.0":                            {"containerd://2.0.7", "linux/amd64", "linux/386", "", nodes.All},
		"containerd 1.7":                            {"containerd://1.7.27", "linux/amd64", "linux/386", "", nodes.All},
		"containerd of a distribution":              {"containerd://1.7.23-k3s2", "linux/amd64", "linux/386", "", nodes.All},
		"containerd 1.7 on arm64":                   {"containerd://1.7.27", "linux/arm64", "linux/arm/v7", "", nodes.All},
		"containerd 1.7 on arm64, amd64":            {"containerd://1.7.27", "linux/arm64", "linux/amd64", "", nodes.None},
		"containerd 1.7, attestations":              {"containerd://1.7.27", "linux/amd64", "unknown/unknown", "", nodes.None},
		"containerd 1.7, an entry without platform": {"containerd://1.7.27", "linux/amd64", "-", "", nodes.Unknown},
		"containerd 1.7 on Windows":                 {"containerd://1.7.27", "windows/amd64", "windows/amd64", "", nodes.All},
		"Docker":                                    {"docker://27.5.1", "linux/amd64", "linux/386", "", nodes.All},
		"CRI-O":                                     {"cri-o://1.37.0", "linux/amd64", "linux/amd64/v1", "", nodes.None},
		"CRI-O where containerd is configured":      {"cri-o://1.37.0", "linux/amd64", "linux/x86_64", imagepull.RuntimeContainerd, nodes.None},
		"containerd where CRI-O is configured":      {"containerd://2.4.2", "linux/amd64", "linux/x86_64", imagepull.RuntimeCRIO, nodes.All},
		"no runtime":                                {"", "linux/amd64", "linux/386", "", nodes.None},
		"no runtime where CRI-O is configured":      {"", "linux/amd64", "linux/x86_64", imagepull.RuntimeCRIO, nodes.None},
		"an invalid version":                        {"containerd://Unknown", "linux/amd64", "linux/386", "", nodes.None},
		"an unknown runtime":                        {"frakti://1.0", "linux/amd64", "linux/386", "", nodes.None},
		"two runtimes, one takes it":                {"containerd://1.7.27 containerd://2.4.2", "linux/amd64", "linux/386", "", nodes.Some},
		"two runtimes, both take it":                {"containerd://1.7.27 containerd://2.4.2", "linux/amd64", "linux/amd64", "", nodes.All},
		"two runtimes, neither takes it":            {"containerd://1.7.27 docker://27.5.1", "linux/amd64", "linux/arm64", "", nodes.None},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []corev1.Node
			for _, runtime := range strings.Split(tt.runtimes, " ") {
				all = append(all, newNode("node-"+runtime, tt.platform, withRuntime(runtime)))
			}
			got, compared := newSnapshot(t, "", all...).Candidates(nil).WithProfile(nodes.Profile{Runtime: tt.configured}).Serve(platforms(t, tt.offered))
			if got != tt.want {
				t.Errorf("%q serves %q with %s: got %d, want %d", tt.offered, tt.platform, tt.runtimes, got, tt.want)
			}
			if diff := cmp.Diff(platforms(t, tt.platform), compared); diff != "" {
				t.Errorf("platforms (-want +got):\n%s", diff)
			}
		})
	}
}

// Declared nodes and nodes that join have the runtimes of the cluster's nodes.
func TestServeFollowsTheClustersRuntimes(t *testing.T) {
	t.Parallel()
	joining := selecting(osLabel, "linux", archLabel, "amd64")
	tests := map[string]struct {
		declared string
		runtimes []string
		spec     corev1.PodSpec
		want     nodes.Fit
	}{
		"declared, an old runtime": {"linux/amd64", []string{"containerd://1.7.27"}, corev1.PodSpec{}, nodes.All},
		"declared, a new runtime":  {"linux/amd64", []string{"containerd://2.4.2"}, corev1.PodSpec{}, nodes.None},
		"declared, both":           {"linux/amd64", []string{"containerd://2.4.2", "containerd://1.7.27"}, corev1.PodSpec{}, nodes.Some},
		"declared, no node":        {"linux/amd64", nil, corev1.PodSpec{}, nodes.None},
		"joining, an old runtime":  {"", []string{"containerd://1.7.27"}, joining, nodes.All},
		"joining, a new runtime":   {"", []string{"containerd://2.4.2"}, joining, nodes.None},
		"joining, both":            {"", []string{"containerd://2.4.2", "containerd://1.7.27"}, joining, nodes.Some},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []corev1.Node
			for _, runtime := range tt.runtimes {
				all = append(all, newNode("node-"+runtime, "linux/amd64", withRuntime(runtime)))
			}
			if got, _ := newSnapshot(t, tt.declared, all...).Candidates(&tt.spec).Serve(platforms(t, "linux/386")); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestFetchedEntriesFollowTheNodesRuntime(t *testing.T) {
	t.Parallel()
	for runtime, want := range map[string][][]int{
		"containerd://2.4.2":  {{0, 2, 4}},
		"containerd://2.0.7":  {{2}},
		"containerd://1.7.27": {{2}},
	} {
		all := newSnapshot(t, "", newNode("plain", "linux/amd64", withRuntime(runtime)))
		got, _ := all.Candidates(nil).FetchedEntries(platforms(t, "- linux/386 linux/amd64 linux/arm64 linux/amd64"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: entries (-want +got):\n%s", runtime, diff)
		}
	}
}

func TestLocalImagePullFollowsTheRulesOfContainerd20(t *testing.T) {
	t.Parallel()
	profile := nodes.Profile{LocalImagePull: true}
	tests := map[string]struct {
		runtime, platform, offered string
		want                       nodes.Fit
	}{
		"containerd":              {"containerd://2.4.2", "linux/amd64", "linux/386", nodes.All},
		"no runtime":              {"", "linux/arm64", "linux/arm/v7", nodes.All},
		"another architecture":    {"containerd://2.4.2", "linux/amd64", "linux/arm64", nodes.None},
		"CRI-O":                   {"cri-o://1.37.0", "linux/amd64", "linux/386", nodes.None},
		"Windows, another system": {"containerd://2.4.2", "windows/amd64", "linux/386", nodes.None},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := newSnapshot(t, "", newNode("plain", tt.platform, withRuntime(tt.runtime)))
			if got, _ := all.Candidates(nil).WithProfile(profile).Serve(platforms(t, tt.offered)); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
	entries, _ := newSnapshot(t, "linux/amd64").Candidates(nil).WithProfile(profile).FetchedEntries(platforms(t, "linux/386 linux/amd64 linux/amd64"))
	if diff := cmp.Diff([][]int{{1}}, entries); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestMayPullSchema1OnlyWithContainerd1OrCRIO(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		nodes []corev1.Node
		spec  corev1.PodSpec
		want  bool
	}{
		"no node":                            {nil, corev1.PodSpec{}, false},
		"a new containerd":                   {[]corev1.Node{newNode("new", "linux/amd64", withRuntime("containerd://2.0.7"))}, corev1.PodSpec{}, false},
		"an old containerd":                  {[]corev1.Node{newNode("old", "linux/amd64", withRuntime("containerd://1.7.27"))}, corev1.PodSpec{}, true},
		"CRI-O":                              {[]corev1.Node{newNode("crio", "linux/amd64", withRuntime("cri-o://1.37.0"))}, corev1.PodSpec{}, true},
		"Docker":                             {[]corev1.Node{newNode("docker", "linux/amd64", withRuntime("docker://26.0.0"))}, corev1.PodSpec{}, false},
		"an old Docker":                      {[]corev1.Node{newNode("docker", "linux/amd64", withRuntime("docker://25.0.6"))}, corev1.PodSpec{}, true},
		"no runtime":                         {[]corev1.Node{newNode("plain", "linux/amd64")}, corev1.PodSpec{}, false},
		"an old one, infeasible":             {newAndOldNode(), corev1.PodSpec{NodeName: "new"}, false},
		"an old one, feasible":               {newAndOldNode(), corev1.PodSpec{NodeName: "old"}, true},
		"an old one, cordoned":               {[]corev1.Node{newAndOldNode()[0], newNode("old", "linux/amd64", cordoned, withRuntime("containerd://1.7.27"))}, corev1.PodSpec{}, true},
		"a node that may join":               {newAndOldNode(), selecting(), true},
		"a node that may join a new cluster": {newAndOldNode()[:1], selecting(), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := newSnapshot(t, "", tt.nodes...).Candidates(&tt.spec).MayPullSchema1(); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}
