package credentials

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Plain texts are parsed without package url. An escape in the fragment has no effect on host and path, and prevents that.
func TestPlainPatternsAreParsedAsURLs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "/", "//", "a", "a/", "docker.io/library/nginx", "registry.example", "registry.example/", "registry.example//x", "a_b.example/x",
		".", "..", "a..b/../c", "10.0.0.1/x", "-/-",
	} {
		if !isPlain(text) {
			t.Errorf("%q is not plain", text)
		}
		if diff := cmp.Diff(ParsePattern(text+"#%41"), ParsePattern(text), cmp.AllowUnexported(Pattern{})); diff != "" {
			t.Errorf("%q (-URL +plain):\n%s", text, diff)
		}
	}
}
