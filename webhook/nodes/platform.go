package nodes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// hasNoPlatform reports whether an entry of an index names no platform.
func hasNoPlatform(p imagepull.Platform) bool { return p.OS == "" && p.Architecture == "" }

// isRunnable excludes attestations. Build tools give them the platform unknown/unknown.
func isRunnable(p imagepull.Platform) bool { return !hasNoPlatform(p) && p.OS != "unknown" }

// exactMatcher matches containerd's rule: the same platform after normalisation, without older ones that the CPU can run
// (containerd: core/transfer/image/imagestore.go, ImageFilter). If the build of a Windows node is not known, the build of the
// image is ignored.
func exactMatcher(node imagepull.Platform) func(imagepull.Platform) bool {
	m := platforms.OnlyStrict(ociPlatform(node))
	return func(p imagepull.Platform) bool {
		if node.OSVersion == "" {
			p.OSVersion = ""
		}
		return !hasNoPlatform(p) && m.Match(ociPlatform(p))
	}
}

// runnableMatcher matches the platform and the older ones that its CPU can run (containerd 1.7: pull.go, Pull, by the
// platform of its client; moby: distribution/pull_v2_unix.go, filterManifests).
func runnableMatcher(node imagepull.Platform) func(imagepull.Platform) bool {
	m := platforms.Only(ociPlatform(node))
	return func(p imagepull.Platform) bool { return !hasNoPlatform(p) && m.Match(ociPlatform(p)) }
}

// crioMatcher matches a platform without normalisation, and older variants of it (containers/image v5.38:
// internal/pkg/platform/platform_matcher.go, WantedPlatforms).
func crioMatcher(node imagepull.Platform) func(imagepull.Platform) bool {
	variants := crioVariants(node)
	return func(p imagepull.Platform) bool {
		return !hasNoPlatform(p) && p.OS == node.OS && p.Architecture == node.Architecture && slices.Contains(variants, p.Variant)
	}
}

// crioVariants returns the variants that a node certainly takes. CRI-O detects variants only on ARM. It takes an entry
// without a variant on every architecture.
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

func ociPlatform(p imagepull.Platform) ocispec.Platform {
	return ocispec.Platform{
		OS:           p.OS,
		Architecture: p.Architecture,
		Variant:      p.Variant,
		OSVersion:    p.OSVersion,
		OSFeatures:   p.OSFeatures,
	}
}

// ParsePlatform parses "os/architecture[/variant]". It rejects half a platform: containerd would take the other half from
// the machine that runs Pullgate.
func ParsePlatform(text string) (imagepull.Platform, error) {
	p, err := platforms.Parse(text)
	if err != nil || !strings.Contains(text, "/") {
		return imagepull.Platform{}, fmt.Errorf("%q is not a platform: use os/architecture[/variant], such as linux/arm64", text)
	}
	return imagepull.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}, nil
}
