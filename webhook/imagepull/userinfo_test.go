package imagepull_test

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestMaskUserinfo(t *testing.T) {
	t.Parallel()
	sha := "sha256:" + strings.Repeat("0", 64)
	for text, want := range map[string]string{
		"user:password@registry.example/web":            "***@registry.example/web",
		"user:password@registry.example/web:1":          "***@registry.example/web:1",
		"user:password@registry.example/web@" + sha:     "***@registry.example/web@" + sha,
		"user:password@registry.example:5000/web":       "***@registry.example:5000/web",
		"user:password@registry.example":                "***@registry.example",
		"user:pass@word@registry.example/web":           "***@registry.example/web",
		"user:pass/word@registry.example/web":           "***@registry.example/web",
		"user:@registry.example/web":                    "***@registry.example/web",
		":password@registry.example/web":                "***@registry.example/web",
		"token@registry.example/web":                    "***@registry.example/web",
		"https://user:password@registry.example":        "https://***@registry.example",
		"https://user:password@registry.example/web":    "https://***@registry.example/web",
		"https://user:pass/word@registry.example/web":   "https://***@registry.example/web",
		"https://token@registry.example":                "https://***@registry.example",
		"docker://user:password@registry.example/web:1": "docker://***@registry.example/web:1",
		"registry.example/web:1":                        "registry.example/web:1",
		"registry.example/web@" + sha:                   "registry.example/web@" + sha,
		"web:1@" + sha:                                  "web:1@" + sha,
		"web@sha256:00":                                 "web@sha256:00",
		"web@" + sha + "@" + sha:                        "web@" + sha + "@" + sha,
		"web:1@md5:" + strings.Repeat("0", 32):          "web:1@md5:" + strings.Repeat("0", 32),
		"registry.example/web@latest":                   "registry.example/web@latest",
		"registry.example/web:1@latest":                 "registry.example/web:1@latest",
		"registry.example:5000/web:1@latest":            "registry.example:5000/web:1@latest",
		"https://registry.example/web@latest":           "https://registry.example/web@latest",
		"web@latest":                                    "web@latest",
		"http://proxy.example:3128":                     "http://proxy.example:3128",
		"":                                              "",
		"@":                                             "@",
		"@" + sha:                                       "@" + sha,
	} {
		if got := imagepull.MaskUserinfo(text); got != want {
			t.Errorf("MaskUserinfo(%q) = %q, want %q", text, got, want)
		}
	}
}
