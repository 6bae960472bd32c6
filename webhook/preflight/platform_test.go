package preflight_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

func platform(os, architecture, variant string) imagepull.Platform {
	return imagepull.Platform{OS: os, Architecture: architecture, Variant: variant}
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	var (
		amd64   = platform("linux", "amd64", "")
		arm64   = platform("linux", "arm64", "")
		armV7   = platform("linux", "arm", "v7")
		unknown = platform("unknown", "unknown", "")
		many    []imagepull.Platform
		wanting = platform("linux", "amd64", "")
	)
	wanting.OSFeatures = []string{"a", "b"}
	for i := range 9 {
		many = append(many, platform("linux", fmt.Sprintf("arch%d", i), ""))
	}
	type list = []imagepull.Platform
	tests := map[string]struct {
		offered, declared list
		reason            imagepull.Reason
		detail            string
	}{
		"served":              {list{amd64, arm64}, list{amd64}, imagepull.ReasonPullable, ""},
		"all are served":      {list{amd64, arm64}, list{amd64, arm64}, imagepull.ReasonPullable, ""},
		"nodes are not known": {list{arm64}, nil, imagepull.ReasonPullable, ""},
		"mismatch": {
			list{arm64, armV7}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, linux/arm/v7, the nodes are linux/amd64",
		},
		"attestations are not offered": {
			list{arm64, unknown}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, the nodes are linux/amd64",
		},
		"features that the nodes lack": {
			list{wanting}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/amd64 with a+b, the nodes are linux/amd64",
		},
		"attestations only": {
			list{unknown}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers no platform, the nodes are linux/amd64",
		},
		"empty index": {
			nil, list{amd64, arm64}, imagepull.ReasonPlatformMismatch,
			"the image index offers no platform, the nodes are linux/amd64, linux/arm64",
		},
		"empty index, nodes are not known": {nil, nil, imagepull.ReasonPlatformMismatch, "the image index offers no platform"},
		"one platform several times": {
			list{arm64, arm64, arm64}, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arm64, the nodes are linux/amd64",
		},
		"some": {
			list{amd64}, list{amd64, arm64}, imagepull.ReasonSomePlatforms,
			"some nodes are not served: the image index offers linux/amd64, the nodes are linux/amd64, linux/arm64",
		},
		"an entry without a platform": {
			list{{}}, list{amd64}, imagepull.ReasonSomePlatforms, "the image index has an entry without a platform",
		},
		"as many as are listed": {
			many[:6], list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arch0, linux/arch1, linux/arch2, linux/arch3, linux/arch4, linux/arch5, the nodes are linux/amd64",
		},
		"more than are listed": {
			many, list{amd64}, imagepull.ReasonPlatformMismatch,
			"the image index offers linux/arch0, linux/arch1, linux/arch2, linux/arch3, linux/arch4, linux/arch5 and 3 more, the nodes are linux/amd64",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: "sha256:1", IsIndex: true, Platforms: test.offered}
			got := check(t, preflight.Options{
				Resolver:    &registry{script: map[string]imagepull.Verdict{image: index}},
				Credentials: &secrets{},
				Nodes:       nodes.Declared(test.declared),
			}, image)
			want := index
			want.Reason, want.Detail = test.reason, test.detail
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSingleManifestFitsEveryNode: nodes look at the platform in an index and nowhere else.
func TestSingleManifestFitsEveryNode(t *testing.T) {
	t.Parallel()
	got := check(t, preflight.Options{
		Resolver:    &registry{script: map[string]imagepull.Verdict{image: works}},
		Credentials: &secrets{},
		Nodes:       nodes.Declared{platform("linux", "s390x", "")},
	}, image)
	if diff := cmp.Diff(works, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

// TestPlatformsOfADoubt: an index that only another credential may show says nothing of the nodes.
func TestPlatformsOfADoubt(t *testing.T) {
	t.Parallel()
	hidden := credentials.Problem{Subject: "pull secret \"hidden\"", Detail: "forbidden"}
	index := imagepull.Verdict{Reason: imagepull.ReasonPullable, IsIndex: true}
	got := check(t, preflight.Options{
		Resolver:    &registry{script: map[string]imagepull.Verdict{image: index}},
		Credentials: &secrets{set: credentials.Set{Unreadable: []credentials.Problem{hidden}}},
		Nodes:       nodes.Declared{platform("linux", "amd64", "")},
	}, image)
	if got.Reason != imagepull.ReasonNodeCredentials {
		t.Errorf("reason = %s, want NodeCredentials", got.Reason)
	}
}
