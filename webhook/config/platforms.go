package config

import (
	"regexp"
	"slices"
	"strings"
)

var platformVariant = regexp.MustCompile(`^v[0-9]+(\.[0-9]+)?$`)

// platformProblem returns the mistake in a platform, or "".
//
// It accepts only platforms that a kubelet runs on: with a typo such as "amd46" no image would match, and every index
// would be denied.
func platformProblem(platform string) string {
	parts := strings.Split(platform, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return `must be os/architecture[/variant], such as "linux/amd64" or "linux/arm64/v8"`
	}
	if !slices.Contains(systems(), parts[0]) {
		return "must have one of the operating systems " + strings.Join(systems(), ", ")
	}
	if !slices.Contains(architectures(), parts[1]) {
		return "must have one of the architectures " + strings.Join(architectures(), ", ")
	}
	if len(parts) == 3 && !platformVariant.MatchString(parts[2]) {
		return `must have a variant such as "v7", or none`
	}
	return ""
}

func systems() []string { return []string{"linux", "windows"} }

// architectures returns the architectures in the names of Node objects, which are Go's names.
func architectures() []string {
	return []string{"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"}
}
