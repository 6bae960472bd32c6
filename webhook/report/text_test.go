package report_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/report"
)

func TestBoundedEscapesAndShortens(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"empty text":                    {"", ""},
		"plain text stays":              {`image "größe" was not checked`, `image "größe" was not checked`},
		"control characters":            {"a\nb\x1b[0m\u202e", `a\nb\x1b[0m\u202e`},
		"invalid UTF-8":                 {"a\xffb", `a\xffb`},
		"a replacement character stays": {"a\ufffdb", "a\ufffdb"},
		"256 characters":                {long(256), long(256)},
		"257 characters":                {long(257), strings.Repeat("a", 127) + "…" + long(128)},
		"longer after escaping":         {strings.Repeat("\n", 200), strings.Repeat(`\n`, 63) + `\…` + strings.Repeat(`\n`, 64)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := report.Bounded(test.text); got != test.want {
				t.Errorf("Bounded(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}

// FuzzWarning checks that any text gives a warning that the API server accepts: one printable line within the limit.
func FuzzWarning(f *testing.F) {
	f.Add("web", "registry.example/shop/web:1.2", "tag not found")
	f.Add("", "\x00\xff\u202e\"\\", "\n")
	f.Add(long(300), long(600), long(300))
	f.Fuzz(func(t *testing.T, name, image, detail string) {
		for _, reason := range imagepull.Reasons() {
			finding := finding(image, imagepull.Verdict{Reason: reason, Detail: detail, Fix: detail})
			finding.Name = name
			for _, text := range []string{report.Warning(finding), report.Bounded(report.Line(finding))} {
				if !utf8.ValidString(text) || utf8.RuneCountInString(text) > 256 {
					t.Errorf("%q is over the limit or invalid UTF-8", text)
				}
				if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%q holds a character that is not printable", text)
				}
			}
		}
	})
}
