package nodes

import (
	"strconv"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// stableABI is the build of Windows Server 2022, from which on a node runs the images of older builds down to this one.
const stableABI = 20348

// windowsMatcher is containerd's rule on a Windows node (containerd/platforms: defaults_windows.go). Where the build of
// either is not known, as that of host process images never is, the architecture alone decides.
func windowsMatcher(node imagepull.Platform) func(imagepull.Platform) bool {
	return func(p imagepull.Platform) bool {
		if p.OS != node.OS || p.Architecture != node.Architecture {
			return false
		}
		return node.OSVersion == "" || p.OSVersion == "" || runsBuild(windowsBuild(node.OSVersion), windowsBuild(p.OSVersion))
	}
}

// runsBuild reports whether a node takes an image.
func runsBuild(node, image build) bool {
	if node.release != image.release {
		return false
	}
	if node.number < stableABI {
		return node.number == image.number
	}
	return image.number >= stableABI && image.number <= node.number
}

// build is a version of Windows, such as 10.0 and 20348. Its revision doesn't matter.
type build struct {
	release string
	number  int
}

// windowsBuild reads a version such as "10.0.20348.1787".
func windowsBuild(version string) build {
	parts := append(strings.Split(version, "."), "", "")
	number, err := strconv.Atoi(parts[2])
	if err != nil {
		number = 0
	}
	return build{parts[0] + "." + parts[1], number}
}
