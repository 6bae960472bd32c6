package nodes_test

import (
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// The rows follow containers/image v5.38, internal/pkg/platform. They were not measured on a node.
func TestServeFollowsCRIO(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		offered, nodes string
		want           nodes.Fit
	}{
		"the same platform":                     {"linux/amd64 linux/arm64", "linux/amd64", nodes.All},
		"another architecture":                  {"linux/arm64", "linux/amd64", nodes.None},
		"amd64 does not take v1":                {"linux/amd64/v1", "linux/amd64", nodes.None},
		"amd64 does not take v2":                {"linux/amd64/v2", "linux/amd64", nodes.None},
		"amd64 of any variant":                  {"linux/amd64", "linux/amd64/v2", nodes.All},
		"amd64 does not take x86_64":            {"linux/x86_64", "linux/amd64", nodes.None},
		"amd64 does not take 386":               {"linux/386", "linux/amd64", nodes.None},
		"arm64 takes v8":                        {"linux/arm64/v8", "linux/arm64", nodes.All},
		"arm64 takes none":                      {"linux/arm64", "linux/arm64/v8", nodes.All},
		"arm64 does not take v9":                {"linux/arm64/v9", "linux/arm64", nodes.None},
		"arm64 does not take aarch64":           {"linux/aarch64", "linux/arm64", nodes.None},
		"arm64 does not take arm":               {"linux/arm/v7", "linux/arm64", nodes.None},
		"arm v7 takes v6":                       {"linux/arm/v6", "linux/arm/v7", nodes.All},
		"arm v7 takes none":                     {"linux/arm", "linux/arm/v7", nodes.All},
		"arm v6 does not take v7":               {"linux/arm/v7", "linux/arm/v6", nodes.None},
		"arm v4 takes none":                     {"linux/arm", "linux/arm/v4", nodes.All},
		"arm v4 does not take v5":               {"linux/arm/v5", "linux/arm/v4", nodes.None},
		"an arm node of unknown variant, none":  {"linux/arm", "linux/arm", nodes.All},
		"an arm node of unknown variant, v7":    {"linux/arm/v7", "linux/arm", nodes.Unknown},
		"an arm node of unknown variant, arm64": {"linux/arm64", "linux/arm", nodes.None},
		"an unnamed entry may serve":            {"- linux/arm64", "linux/amd64", nodes.Unknown},
		"an unnamed entry is not needed":        {"- linux/amd64", "linux/amd64", nodes.All},
		"attestations serve no node":            {"unknown/unknown", "linux/amd64", nodes.None},
		"a windows node has containerd":         {"windows/amd64/v1", "windows/amd64", nodes.All},
		"some nodes of two kinds":               {"linux/amd64", "linux/amd64 linux/arm64", nodes.Some},
		"unknown nodes take any platform":       {"linux/s390x", "", nodes.All},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			candidates := nodes.Declared(platforms(t, tt.nodes)).Candidates(nil).WithProfile(nodes.Profile{Runtime: imagepull.RuntimeCRIO})
			if got, _ := candidates.Serve(platforms(t, tt.offered)); got != tt.want {
				t.Errorf("%q serves %q: got %d, want %d", tt.offered, tt.nodes, got, tt.want)
			}
		})
	}
}
