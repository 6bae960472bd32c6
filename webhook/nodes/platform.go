package nodes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// isUnnamed reports whether an entry names no platform.
func isUnnamed(p imagepull.Platform) bool { return p.OS == "" && p.Architecture == "" }

// isRunnable leaves out attestations, which build tools mark as unknown/unknown.
func isRunnable(p imagepull.Platform) bool { return !isUnnamed(p) && p.OS != "unknown" }

// crioMatcher takes a platform by its very words, and older variants of it (containers/image v5.38:
// internal/pkg/platform/platform_matcher.go, WantedPlatforms).
func crioMatcher(node imagepull.Platform) func(imagepull.Platform) bool {
	variants := crioVariants(node)
	return func(p imagepull.Platform) bool {
		return !isUnnamed(p) && p.OS == node.OS && p.Architecture == node.Architecture && slices.Contains(variants, p.Variant)
	}
}

// crioVariants lists the variants that a node takes for certain. CRI-O looks for them on ARM only, and takes an entry without
// one everywhere.
func crioVariants(node imagepull.Platform) []string {
	switch node.Architecture {
	case "arm64":
		return []string{"v8", ""}
	case "arm":
		all := []string{"v8", "v7", "v6", "v5"}
		if i := slices.Index(all, node.Variant); i >= 0 {
			return append(all[i:], "")
		}
		return []string{node.Variant, ""}
	}
	return []string{""}
}

// containerdMatcher is containerd's rule: the very platform after normalisation, without the older ones that would run
// too (containerd: core/transfer/image/imagestore.go, ImageFilter). Where the build of a Windows node is not known, that of
// the image can't tell anything.
func containerdMatcher(node imagepull.Platform) func(imagepull.Platform) bool {
	m := platforms.OnlyStrict(spec(node))
	return func(p imagepull.Platform) bool {
		if node.OSVersion == "" {
			p.OSVersion = ""
		}
		return !isUnnamed(p) && m.Match(spec(p))
	}
}

// compatibleMatcher takes the platform and what its processor runs besides (containerd 1.7: pull.go, Pull, by the platform of
// its client; moby: distribution/pull_v2_unix.go, filterManifests).
func compatibleMatcher(node imagepull.Platform) func(imagepull.Platform) bool {
	m := platforms.Only(spec(node))
	return func(p imagepull.Platform) bool { return !isUnnamed(p) && m.Match(spec(p)) }
}

func spec(p imagepull.Platform) ocispec.Platform {
	return ocispec.Platform{
		OS:           p.OS,
		Architecture: p.Architecture,
		Variant:      p.Variant,
		OSVersion:    p.OSVersion,
		OSFeatures:   p.OSFeatures,
	}
}

// ParsePlatform reads "os/architecture[/variant]". Half a platform is refused: containerd would fill in the other half from
// the machine that this runs on.
func ParsePlatform(text string) (imagepull.Platform, error) {
	p, err := platforms.Parse(text)
	if err != nil || !strings.Contains(text, "/") {
		return imagepull.Platform{}, fmt.Errorf("%q is not a platform: use os/architecture[/variant], such as linux/arm64", text)
	}
	return imagepull.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}, nil
}
