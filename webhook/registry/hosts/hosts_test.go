package hosts_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

func TestLoadWithoutATree(t *testing.T) {
	t.Parallel()
	for namespace, want := range map[string]string{
		"registry.example.com":      "https://registry.example.com/v2 unnamed",
		"registry.example.com:5000": "https://registry.example.com:5000/v2 unnamed",
		"docker.io":                 "https://registry-1.docker.io/v2 unnamed",
		"localhost":                 "https://localhost/v2 unnamed",
		"localhost:443":             "https://localhost:443/v2 unnamed",
		"localhost:80":              "http://localhost:80/v2 unnamed",
		"localhost:5000":            "https://localhost:5000/v2 or-http unnamed",
		"127.0.0.1:5000":            "https://127.0.0.1:5000/v2 or-http unnamed",
		"[::1]:5000":                "https://[::1]:5000/v2 or-http unnamed",
		"[::1]":                     "https://[::1]/v2 unnamed",
	} {
		wantHosts(t, "", namespace, want)
		wantHosts(t, t.TempDir(), namespace, want)
	}
}

func TestLoadSelectsTheDirectory(t *testing.T) {
	t.Parallel()
	// Each file names a server after the length of its directory's name, because directory names are not valid host names.
	tree := func(dirs ...string) map[string]string {
		files := map[string]string{}
		for _, dir := range dirs {
			files[dir+"/hosts.toml"] = fmt.Sprintf("server = \"https://of-%d\"\n", len(dir))
		}
		return files
	}
	tests := map[string]struct {
		dirs      []string
		namespace string
		want      string
	}{
		"its own":                                {[]string{"a.example", "_default"}, "a.example", "https://of-9/v2"},
		"the default":                            {[]string{"b.example", "_default"}, "a.example", "https://of-8/v2"},
		"none":                                   {[]string{"b.example"}, "a.example", "https://a.example/v2 unnamed"},
		"the port's, with underscores":           {[]string{"a.example:5000", "a.example_5000_", "_default"}, "a.example:5000", "https://of-15/v2"},
		"the port's, with a colon":               {[]string{"a.example:5000", "_default"}, "a.example:5000", "https://of-14/v2"},
		"not the host's for a port":              {[]string{"a.example"}, "a.example:5000", "https://a.example:5000/v2 unnamed"},
		"not a port's for the host":              {[]string{"a.example_443_"}, "a.example", "https://a.example/v2 unnamed"},
		"an IPv6 address, cut at its last colon": {[]string{"[:_1]_", "[::1]"}, "[::1]", "https://of-6/v2"},
		"names are case sensitive":               {[]string{"A.example"}, "a.example", "https://a.example/v2 unnamed"},
		"Docker Hub's":                           {[]string{"docker.io", "registry-1.docker.io"}, "docker.io", "https://of-9/v2"},
		"an empty directory hides the default":   {[]string{"_default"}, "empty.example", "https://empty.example/v2 unnamed"},
		"a name with a colon is not a list":      {[]string{"x:y"}, "a.example", "https://a.example/v2 unnamed"},
		"a registry on the node itself":          {[]string{"localhost_5000_"}, "localhost:5000", "https://of-15/v2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := tree(test.dirs...)
			files["empty.example/notes.txt"] = ""
			wantHosts(t, writeTree(t, files), test.namespace, test.want)
		})
	}
}

func TestLoadFailsOnUnreadableTrees(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"a file in place of a directory":     {map[string]string{"r.example": ""}, "reading hosts.toml: "},
		"a directory in place of hosts.toml": {map[string]string{"r.example/hosts.toml/x": ""}, "reading hosts.toml: "},
		"a root that is a file":              {map[string]string{"root": ""}, "looking for the directory of r.example: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := writeTree(t, test.files)
			if _, ok := test.files["root"]; ok {
				root = filepath.Join(root, "root")
			}
			if _, err := hosts.Load(root, "r.example"); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got error %v, want %q…", err, test.want)
			}
		})
	}
}
