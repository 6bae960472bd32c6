// Package nodes knows what the nodes can run.
//
// The runtime on a node picks from an index the entry that matches its own platform, and looks at the platform nowhere
// else: a single manifest is pulled wherever it was built for. So the question is always how an index serves a set of
// nodes.
package nodes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Fit says how an index serves a set of nodes. The zero value is doubt.
type Fit uint8

const (
	// Unclear means that it takes more than the index to tell: an entry names no platform, so that a node reads its
	// configuration.
	Unclear Fit = iota
	// All nodes are served.
	All
	// Some nodes are served.
	Some
	// None is served.
	None
)

// Serve says how the platforms that an index offers serve those of the nodes. Where none are known any platform will do,
// but there must be one: an index of attestations only serves nobody.
func Serve(offered, nodes []imagepull.Platform) Fit {
	if len(nodes) == 0 {
		return serveUnknown(offered)
	}
	served, unclear := 0, 0
	for _, node := range nodes {
		switch {
		case slices.ContainsFunc(offered, matcher(node)):
			served++
		case slices.ContainsFunc(offered, isUnnamed):
			unclear++
		}
	}
	switch {
	case served == len(nodes):
		return All
	case unclear > 0:
		return Unclear
	case served > 0:
		return Some
	}
	return None
}

func serveUnknown(offered []imagepull.Platform) Fit {
	switch {
	case slices.ContainsFunc(offered, isRunnable):
		return All
	case slices.ContainsFunc(offered, isUnnamed):
		return Unclear
	}
	return None
}

// isUnnamed reports whether an entry names no platform.
func isUnnamed(p imagepull.Platform) bool { return p.OS == "" && p.Architecture == "" }

// isRunnable leaves out attestations, which build tools mark as unknown/unknown.
func isRunnable(p imagepull.Platform) bool { return !isUnnamed(p) && p.OS != "unknown" }

// matcher is containerd's rule for one node: the very platform after normalisation, without the older ones that would run
// too (containerd: core/transfer/image/imagestore.go, ImageFilter). A Windows node of unknown build is matched by its
// architecture, since which builds it runs can't be told.
func matcher(node imagepull.Platform) func(imagepull.Platform) bool {
	if node.OS == "windows" && node.OSVersion == "" {
		return func(p imagepull.Platform) bool { return p.OS == node.OS && p.Architecture == node.Architecture }
	}
	m := platforms.OnlyStrict(spec(node))
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
