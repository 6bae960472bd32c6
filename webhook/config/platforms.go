package config

import (
	"regexp"
	"slices"
	"strings"
)

var platformVariant = regexp.MustCompile(`^v[0-9]+(\.[0-9]+)?$`)

// platformProblem says what is wrong with a platform; empty when nothing is.
//
// Only what a kubelet runs on is taken: a slip such as "amd46" would fit no image at all, and deny every index.
func platformProblem(platform string) string {
	parts := strings.Split(platform, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return `must be os/architecture[/variant], such as "linux/amd64" or "linux/arm64/v8"`
	}
	if !slices.Contains(systems(), parts[0]) {
		return "must be one of the systems " + strings.Join(systems(), ", ")
	}
	if !slices.Contains(architectures(), parts[1]) {
		return "must be one of the architectures " + strings.Join(architectures(), ", ")
	}
	if len(parts) == 3 && !platformVariant.MatchString(parts[2]) {
		return `must have a variant such as "v7", or none`
	}
	return ""
}

func systems() []string { return []string{"linux", "windows"} }

// architectures returns them by the names that Node objects carry, which are those of Go.
func architectures() []string {
	return []string{"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"}
}
