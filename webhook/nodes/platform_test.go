package nodes_test

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// of reads a list of platforms; "-" is an entry that names none.
func of(t *testing.T, list string) []imagepull.Platform {
	t.Helper()
	var platforms []imagepull.Platform
	for text := range strings.FieldsSeq(list) {
		parts := append(strings.Split(text, "/"), "", "", "")
		if text == "-" {
			parts = make([]string, 3)
		}
		platforms = append(platforms, imagepull.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]})
	}
	return platforms
}

// The rows are those that containerd 2.4.2 was measured with, in its default transfer mode.
func TestServe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		offered, nodes string
		want           nodes.Fit
	}{
		"the very platform":                       {"linux/amd64 linux/arm64", "linux/amd64", nodes.All},
		"another architecture":                    {"linux/arm64", "linux/amd64", nodes.None},
		"another operating system":                {"windows/amd64", "linux/amd64", nodes.None},
		"amd64 takes v1":                          {"linux/amd64/v1", "linux/amd64", nodes.All},
		"amd64 takes x86_64":                      {"linux/x86_64", "linux/amd64", nodes.All},
		"amd64 doesn't take v2":                   {"linux/amd64/v2", "linux/amd64", nodes.None},
		"amd64 doesn't take v3":                   {"linux/amd64/v3", "linux/amd64", nodes.None},
		"amd64 doesn't take 386":                  {"linux/386", "linux/amd64", nodes.None},
		"arm64 takes v8":                          {"linux/arm64/v8", "linux/arm64", nodes.All},
		"arm64 takes 8":                           {"linux/arm64/8", "linux/arm64", nodes.All},
		"arm64 takes aarch64":                     {"linux/aarch64", "linux/arm64", nodes.All},
		"arm64 doesn't take v9":                   {"linux/arm64/v9", "linux/arm64", nodes.None},
		"arm64 doesn't take arm":                  {"linux/arm/v7", "linux/arm64", nodes.None},
		"arm without variant is v7":               {"linux/arm", "linux/arm/v7", nodes.All},
		"arm v7 doesn't take v6":                  {"linux/arm/v6", "linux/arm/v7", nodes.None},
		"attestations serve nobody":               {"unknown/unknown", "linux/amd64", nodes.None},
		"attestations do no harm":                 {"unknown/unknown linux/amd64", "linux/amd64", nodes.All},
		"an empty index serves nobody":            {"", "linux/amd64", nodes.None},
		"some nodes of two kinds":                 {"linux/amd64", "linux/amd64 linux/arm64", nodes.Some},
		"all nodes of two kinds":                  {"linux/amd64 linux/arm64", "linux/amd64 linux/arm64", nodes.All},
		"an unnamed entry may serve":              {"- linux/arm64", "linux/amd64", nodes.Unclear},
		"an unnamed entry is not needed":          {"- linux/amd64", "linux/amd64", nodes.All},
		"an unnamed entry beside a served node":   {"- linux/amd64", "linux/amd64 linux/arm64", nodes.Unclear},
		"unknown nodes take any platform":         {"linux/s390x", "", nodes.All},
		"unknown nodes can't use attestations":    {"unknown/unknown", "", nodes.None},
		"unknown nodes can't use an empty index":  {"", "", nodes.None},
		"unknown nodes and an unnamed entry":      {"-", "", nodes.Unclear},
		"a windows node of unknown build":         {"windows/amd64", "windows/amd64", nodes.All},
		"a windows node of another architecture":  {"windows/arm64", "windows/amd64", nodes.None},
		"an entry that names half of a platform":  {"linux/", "linux/amd64", nodes.None},
		"an unnamed entry is no windows platform": {"-", "windows/amd64", nodes.Unclear},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := nodes.Serve(of(t, tt.offered), of(t, tt.nodes)); got != tt.want {
				t.Errorf("Serve(%q, %q) = %d, want %d", tt.offered, tt.nodes, got, tt.want)
			}
		})
	}
}

// The build of a Windows image must be that of the node, but the node's is not known here.
func TestServeWindowsBuild(t *testing.T) {
	t.Parallel()
	offered := []imagepull.Platform{{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.1"}}
	if got := nodes.Serve(offered, of(t, "windows/amd64")); got != nodes.All {
		t.Errorf("got %d, want All", got)
	}
}

func TestParsePlatform(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		want    string
		wantErr bool
	}{
		"linux/amd64":     {want: "linux/amd64"},
		"linux/arm64/v8":  {want: "linux/arm64/v8"},
		"linux/aarch64":   {want: "linux/arm64"},
		"linux/arm/v7":    {want: "linux/arm/v7"},
		"linux":           {wantErr: true},
		"amd64":           {wantErr: true},
		"":                {wantErr: true},
		"linux/amd64/x/y": {wantErr: true},
		"linux/a b":       {wantErr: true},
		"linux/":          {wantErr: true},
	}
	for text, tt := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := nodes.ParsePlatform(text)
			switch {
			case tt.wantErr && err == nil:
				t.Errorf("ParsePlatform(%q) = %v, want an error", text, got)
			case tt.wantErr && !strings.Contains(err.Error(), "use os/architecture"):
				t.Errorf("the error does not say what to do: %v", err)
			case !tt.wantErr && (err != nil || got.String() != tt.want):
				t.Errorf("ParsePlatform(%q) = %v, %v, want %s", text, got, err, tt.want)
			}
		})
	}
}
