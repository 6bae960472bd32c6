package nodes_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// Nodes take from an index what their own runtime takes, whatever the configuration says of others.
func TestServeByTheNodesRuntime(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		runtimes, platform, offered string
		configured                  imagepull.Runtime
		want                        nodes.Fit
	}{
		"containerd takes no 386":                     {"containerd://2.4.2", "linux/amd64", "linux/386", "", nodes.None},
		"the first one that does not":                 {"containerd://2.1.0", "linux/amd64", "linux/386", "", nodes.None},
		"one before it":                               {"containerd://2.0.7", "linux/amd64", "linux/386", "", nodes.All},
		"an old one":                                  {"containerd://1.7.27", "linux/amd64", "linux/386", "", nodes.All},
		"that of a distribution":                      {"containerd://1.7.23-k3s2", "linux/amd64", "linux/386", "", nodes.All},
		"one on arm64":                                {"containerd://1.7.27", "linux/arm64", "linux/arm/v7", "", nodes.All},
		"one on arm64, no amd64":                      {"containerd://1.7.27", "linux/arm64", "linux/amd64", "", nodes.None},
		"one, no attestations":                        {"containerd://1.7.27", "linux/amd64", "unknown/unknown", "", nodes.None},
		"one, an unnamed entry":                       {"containerd://1.7.27", "linux/amd64", "-", "", nodes.Unknown},
		"one on Windows":                              {"containerd://1.7.27", "windows/amd64", "windows/amd64", "", nodes.All},
		"Docker":                                      {"docker://27.5.1", "linux/amd64", "linux/386", "", nodes.All},
		"CRI-O":                                       {"cri-o://1.37.0", "linux/amd64", "linux/amd64/v1", "", nodes.None},
		"CRI-O that nobody has configured":            {"cri-o://1.37.0", "linux/amd64", "linux/x86_64", imagepull.RuntimeContainerd, nodes.None},
		"containerd where CRI-O is configured":        {"containerd://2.4.2", "linux/amd64", "linux/x86_64", imagepull.RuntimeCRIO, nodes.All},
		"one that does not tell":                      {"", "linux/amd64", "linux/386", "", nodes.None},
		"one that does not tell, and CRI-O":           {"", "linux/amd64", "linux/x86_64", imagepull.RuntimeCRIO, nodes.None},
		"one of a version that is none":               {"containerd://Unknown", "linux/amd64", "linux/386", "", nodes.None},
		"one that nobody knows":                       {"frakti://1.0", "linux/amd64", "linux/386", "", nodes.None},
		"nodes of two, one of which takes it":         {"containerd://1.7.27 containerd://2.4.2", "linux/amd64", "linux/386", "", nodes.Some},
		"nodes of two, both of which take it":         {"containerd://1.7.27 containerd://2.4.2", "linux/amd64", "linux/amd64", "", nodes.All},
		"nodes of two that take the same, and not it": {"containerd://1.7.27 docker://27.5.1", "linux/amd64", "linux/arm64", "", nodes.None},
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

// Nodes of which only the platform is known have the runtime of those that are there.
func TestServeByTheClustersRuntime(t *testing.T) {
	t.Parallel()
	coming := selecting(osLabel, "linux", archLabel, "amd64")
	tests := map[string]struct {
		declared string
		runtimes []string
		spec     corev1.PodSpec
		want     nodes.Fit
	}{
		"declared, an old one":           {"linux/amd64", []string{"containerd://1.7.27"}, corev1.PodSpec{}, nodes.All},
		"declared, a new one":            {"linux/amd64", []string{"containerd://2.4.2"}, corev1.PodSpec{}, nodes.None},
		"declared, both":                 {"linux/amd64", []string{"containerd://2.4.2", "containerd://1.7.27"}, corev1.PodSpec{}, nodes.Some},
		"declared, and there is no node": {"linux/amd64", nil, corev1.PodSpec{}, nodes.None},
		"coming, an old one":             {"", []string{"containerd://1.7.27"}, coming, nodes.All},
		"coming, a new one":              {"", []string{"containerd://2.4.2"}, coming, nodes.None},
		"coming, both":                   {"", []string{"containerd://2.4.2", "containerd://1.7.27"}, coming, nodes.Some},
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

// What a node would fetch is chosen by its own runtime, too.
func TestChooseByTheNodesRuntime(t *testing.T) {
	t.Parallel()
	for runtime, want := range map[string][][]int{
		"containerd://2.4.2":  {{0, 2, 4}},
		"containerd://2.0.7":  {{2}},
		"containerd://1.7.27": {{2}},
	} {
		all := newSnapshot(t, "", newNode("plain", "linux/amd64", withRuntime(runtime)))
		got, _ := all.Candidates(nil).FetchedEntries(platforms(t, "- linux/386 linux/amd64 linux/arm64 linux/amd64"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: choices (-want +got):\n%s", runtime, diff)
		}
	}
}

// A containerd that pulls by its CRI plugin does so as older ones did.
func TestLocalImagePull(t *testing.T) {
	t.Parallel()
	profile := nodes.Profile{LocalImagePull: true}
	tests := map[string]struct {
		runtime, platform, offered string
		want                       nodes.Fit
	}{
		"containerd":              {"containerd://2.4.2", "linux/amd64", "linux/386", nodes.All},
		"one that does not tell":  {"", "linux/arm64", "linux/arm/v7", nodes.All},
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
	choices, _ := newSnapshot(t, "linux/amd64").Candidates(nil).WithProfile(profile).FetchedEntries(platforms(t, "linux/386 linux/amd64 linux/amd64"))
	if diff := cmp.Diff([][]int{{1}}, choices); diff != "" {
		t.Errorf("choices (-want +got):\n%s", diff)
	}
}

// Images of the old format are for old nodes, and for those with CRI-O.
func TestMayTakeSchema1(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		nodes []corev1.Node
		spec  corev1.PodSpec
		want  bool
	}{
		"no node":                     {nil, corev1.PodSpec{}, false},
		"a new one":                   {[]corev1.Node{newNode("new", "linux/amd64", withRuntime("containerd://2.0.7"))}, corev1.PodSpec{}, false},
		"an old one":                  {[]corev1.Node{newNode("old", "linux/amd64", withRuntime("containerd://1.7.27"))}, corev1.PodSpec{}, true},
		"CRI-O":                       {[]corev1.Node{newNode("crio", "linux/amd64", withRuntime("cri-o://1.37.0"))}, corev1.PodSpec{}, true},
		"Docker":                      {[]corev1.Node{newNode("docker", "linux/amd64", withRuntime("docker://26.0.0"))}, corev1.PodSpec{}, false},
		"an old Docker":               {[]corev1.Node{newNode("docker", "linux/amd64", withRuntime("docker://25.0.6"))}, corev1.PodSpec{}, true},
		"one that does not tell":      {[]corev1.Node{newNode("plain", "linux/amd64")}, corev1.PodSpec{}, false},
		"an old one for other pods":   {two(), corev1.PodSpec{NodeName: "new"}, false},
		"an old one for this pod":     {two(), corev1.PodSpec{NodeName: "old"}, true},
		"an old one that rests":       {[]corev1.Node{two()[0], newNode("old", "linux/amd64", cordoned, withRuntime("containerd://1.7.27"))}, corev1.PodSpec{}, true},
		"a node that is yet to come":  {two(), selecting(), true},
		"new ones, and one yet comes": {two()[:1], selecting(), false},
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
