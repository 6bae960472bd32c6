package nodes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// The rows were measured with containerd 2.4.2 in its default transfer mode.
func TestServeFollowsContainerd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		offered, nodes string
		want           nodes.Fit
	}{
		"the same platform":                        {"linux/amd64 linux/arm64", "linux/amd64", nodes.All},
		"another architecture":                     {"linux/arm64", "linux/amd64", nodes.None},
		"another operating system":                 {"windows/amd64", "linux/amd64", nodes.None},
		"amd64 takes v1":                           {"linux/amd64/v1", "linux/amd64", nodes.All},
		"amd64 takes x86_64":                       {"linux/x86_64", "linux/amd64", nodes.All},
		"amd64 does not take v2":                   {"linux/amd64/v2", "linux/amd64", nodes.None},
		"amd64 does not take v3":                   {"linux/amd64/v3", "linux/amd64", nodes.None},
		"amd64 does not take 386":                  {"linux/386", "linux/amd64", nodes.None},
		"arm64 takes v8":                           {"linux/arm64/v8", "linux/arm64", nodes.All},
		"arm64 takes 8":                            {"linux/arm64/8", "linux/arm64", nodes.All},
		"arm64 takes aarch64":                      {"linux/aarch64", "linux/arm64", nodes.All},
		"arm64 does not take v9":                   {"linux/arm64/v9", "linux/arm64", nodes.None},
		"arm64 does not take arm":                  {"linux/arm/v7", "linux/arm64", nodes.None},
		"arm without variant is v7":                {"linux/arm", "linux/arm/v7", nodes.All},
		"arm v7 does not take v6":                  {"linux/arm/v6", "linux/arm/v7", nodes.None},
		"an arm node of unknown variant, v7":       {"linux/arm/v6 linux/arm/v7", "linux/arm", nodes.All},
		"an arm node of unknown variant, v6":       {"linux/arm/v6", "linux/arm", nodes.Unknown},
		"an arm node of unknown variant, arm64":    {"linux/arm64", "linux/arm", nodes.None},
		"an arm node takes no windows":             {"windows/arm", "linux/arm", nodes.None},
		"attestations serve no node":               {"unknown/unknown", "linux/amd64", nodes.None},
		"attestations beside a platform":           {"unknown/unknown linux/amd64", "linux/amd64", nodes.All},
		"an empty index serves no node":            {"", "linux/amd64", nodes.None},
		"some nodes of two kinds":                  {"linux/amd64", "linux/amd64 linux/arm64", nodes.Some},
		"all nodes of two kinds":                   {"linux/amd64 linux/arm64", "linux/amd64 linux/arm64", nodes.All},
		"nodes of two variants":                    {"linux/arm/v7", "linux/arm/v6 linux/arm/v7", nodes.Some},
		"an unnamed entry may serve":               {"- linux/arm64", "linux/amd64", nodes.Unknown},
		"an unnamed entry is not needed":           {"- linux/amd64", "linux/amd64", nodes.All},
		"an unnamed entry beside a served node":    {"- linux/amd64", "linux/amd64 linux/arm64", nodes.Unknown},
		"unknown nodes take any platform":          {"linux/s390x", "", nodes.All},
		"unknown nodes do not take attestations":   {"unknown/unknown", "", nodes.None},
		"unknown nodes do not take an empty index": {"", "", nodes.None},
		"unknown nodes and an unnamed entry":       {"-", "", nodes.Unknown},
		"a windows node of unknown build":          {"windows/amd64", "windows/amd64", nodes.All},
		"a windows node of another architecture":   {"windows/arm64", "windows/amd64", nodes.None},
		"an entry that names half of a platform":   {"linux/", "linux/amd64", nodes.None},
		"an unnamed entry on windows":              {"-", "windows/amd64", nodes.Unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, compared := nodes.Declared(platforms(t, tt.nodes)).Candidates(nil).Serve(platforms(t, tt.offered))
			if got != tt.want {
				t.Errorf("%q serves %q: got %d, want %d", tt.offered, tt.nodes, got, tt.want)
			}
			if diff := cmp.Diff(platforms(t, tt.nodes), compared); diff != "" {
				t.Errorf("platforms (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServeComparesWindowsBuilds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		node, image string
		want        nodes.Fit
	}{
		"both are unknown":                     {"", "", nodes.All},
		"the node's is unknown":                {"", "10.0.17763.1", nodes.All},
		"the image's is unknown":               {"10.0.17763", "", nodes.All},
		"the same, of another revision":        {"10.0.17763", "10.0.17763.5329", nodes.All},
		"2019 takes nothing older":             {"10.0.17763", "10.0.14393.1", nodes.None},
		"2019 takes nothing newer":             {"10.0.17763", "10.0.20348.1", nodes.None},
		"2022 takes nothing older":             {"10.0.20348", "10.0.17763.1", nodes.None},
		"2022 takes nothing newer":             {"10.0.20348", "10.0.26100.1", nodes.None},
		"2025 takes 2022":                      {"10.0.26100", "10.0.20348.1", nodes.All},
		"another release":                      {"10.0.20348", "11.0.20348.1", nodes.None},
		"no build at all":                      {"10.0.20348", "10.0", nodes.None},
		"a build that is not a number":         {"10.0.20348", "10.0.x.1", nodes.None},
		"an old node and a build without dots": {"10.0.17763", "x", nodes.None},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			offered := []imagepull.Platform{{OS: "windows", Architecture: "amd64", OSVersion: tt.image}}
			node := newNode("n", "windows/amd64", withLabel(corev1.LabelWindowsBuild, tt.node))
			if got, _ := newSnapshot(t, "", node).Candidates(nil).Serve(offered); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
