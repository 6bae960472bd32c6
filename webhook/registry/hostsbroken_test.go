package registry_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/registry"
)

// A file that can't be understood counts as absent: its mirrors are not asked, and nobody is told.
func TestBrokenHostsFiles(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]string{
		"no TOML":                      "[",
		"no text":                      "\xff",
		"a key twice":                  "skip_verify = true\nskip_verify = true",
		"a server of another type":     "server = 1",
		"a server that is no URL":      `server = "https://%zz"`,
		"a host that is no URL":        `[host."https://%zz"]`,
		"an unknown capability":        `capabilities = ["pull", "all"]`,
		"capabilities of another type": `capabilities = "pull"`,
		"an authority of another type": `ca = 1`,
		"authorities of other types":   `ca = ["a", 1]`,
		"a client of another type":     `client = 1`,
		"clients of other types":       `client = [1]`,
		"a pair of other types":        `client = [["a", 1]]`,
		"a pair of one":                `client = [["a"]]`,
		"a pair of three":              `client = [["a", "b", "c"]]`,
		"a header of another type":     `header = {a = 1}`,
		"headers of other types":       `header = {a = ["b", 1]}`,
		"a flag of another type":       `skip_verify = "yes"`,
		"a patience of another form":   `dial_timeout = "soon"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := broken + "\n[host.\"https://mirror\"]\n"
			wantHosts(t, plant(t, "", map[string]string{"r.example/hosts.toml": file}), "r.example", "https://r.example/v2 unnamed")
		})
	}
}

func TestTreesThatNoNodePullsWith(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"a file for a directory": {map[string]string{"r.example": ""}, "reading hosts.toml: "},
		"a directory for a file": {map[string]string{"r.example/hosts.toml/x": ""}, "reading hosts.toml: "},
		"a root that is a file":  {map[string]string{"root": ""}, "looking for the directory of r.example: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := plant(t, "", test.files)
			if _, ok := test.files["root"]; ok {
				root = filepath.Join(root, "root")
			}
			if _, err := registry.LoadHosts(root, "r.example"); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got error %v, want %q…", err, test.want)
			}
		})
	}
}
