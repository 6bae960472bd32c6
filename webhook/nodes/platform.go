package nodes

import (
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// isUnnamed reports whether an entry names no platform.
func isUnnamed(p imagepull.Platform) bool { return p.OS == "" && p.Architecture == "" }

// isRunnable leaves out attestations, which build tools mark as unknown/unknown.
func isRunnable(p imagepull.Platform) bool { return !isUnnamed(p) && p.OS != "unknown" }

// matcher is containerd's rule for one node: the very platform after normalisation, without the older ones that would run
// too (containerd: core/transfer/image/imagestore.go, ImageFilter). Where the build of a Windows node is not known, that of
// the image can't tell anything.
func matcher(node imagepull.Platform) func(imagepull.Platform) bool {
	m := platforms.OnlyStrict(spec(node))
	return func(p imagepull.Platform) bool {
		if node.OSVersion == "" {
			p.OSVersion = ""
		}
		return !isUnnamed(p) && m.Match(spec(p))
	}
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
