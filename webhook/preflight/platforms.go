package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// forNodes returns the verdict on an image for the candidates. An index needs an entry for them (containerd:
// core/transfer/image/imagestore.go, ImageFilter). A single manifest is pulled on every node, whatever its platform. The exception is
// schema 1: only old runtimes pull it.
func forNodes(v imagepull.Verdict, candidates nodes.Candidates) imagepull.Verdict {
	if v.IsSchema1 && candidates.MayPullSchema1() {
		v.Reason, v.Detail = imagepull.ReasonSomePlatforms, v.Detail+", which only old nodes can pull"
		return v
	}
	return comparePlatforms(v, candidates)
}

// comparePlatforms returns the verdict on an index for the candidates.
func comparePlatforms(v imagepull.Verdict, candidates nodes.Candidates) imagepull.Verdict {
	if !v.IsIndex || v.Outcome() != imagepull.Pullable {
		return v
	}
	switch fit, compared := candidates.Serve(v.Platforms); fit {
	case nodes.All:
	case nodes.None:
		v.Reason, v.Detail = imagepull.ReasonPlatformMismatch, mismatchDetail(v.Platforms, compared)
	case nodes.Some:
		v.Reason, v.Detail = imagepull.ReasonSomePlatforms, "some nodes are not served: "+mismatchDetail(v.Platforms, compared)
	case nodes.Unknown:
		v.Reason, v.Detail = imagepull.ReasonSomePlatforms, unknownDetail(v.Platforms)
	case nodes.NoCandidate:
		v.Reason = imagepull.ReasonSomePlatforms
		v.Detail = "no node is known that the pod can run on now, and the image index offers only " + list(v.Platforms)
	}
	return v
}

func mismatchDetail(offered, compared []imagepull.Platform) string {
	if len(compared) == 0 {
		return "the image index offers no platform"
	}
	return fmt.Sprintf("the image index offers %s, the nodes are %s", list(offered), list(compared))
}

func unknownDetail(offered []imagepull.Platform) string {
	if slices.ContainsFunc(offered, hasNoPlatform) {
		return "the image index has an entry without a platform"
	}
	return "a node does not report its exact platform, and the image index offers " + list(offered)
}

// hasNoPlatform reports whether an entry of an index names no platform.
func hasNoPlatform(p imagepull.Platform) bool { return p.OS == "" && p.Architecture == "" }

// list returns the names of platforms, with the features of the system that they require. It omits attestations, and the builds
// of Windows.
func list(platforms []imagepull.Platform) string {
	var names []string
	for _, p := range platforms {
		name := p.String()
		if len(p.OSFeatures) > 0 {
			name += " with " + strings.Join(p.OSFeatures, "+")
		}
		if p.OS != "" && p.OS != "unknown" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "no platform"
	}
	return enumerate(names)
}
