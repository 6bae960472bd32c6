package registry_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/registry"
)

// plant writes files below a directory, which it makes when root is empty.
func plant(t testing.TB, root string, files map[string]string) string {
	t.Helper()
	if root == "" {
		root = t.TempDir()
	}
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatalf("making a directory: %v", err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatalf("writing: %v", err)
		}
	}
	return root
}

// describe is a host in one line: its URL, and what is not as usual.
func describe(h registry.Host) string {
	words := []string{h.Scheme + "://" + h.Name + h.Path}
	for capability, name := range map[registry.Capability]string{
		registry.CapabilityPull: "no-pull", registry.CapabilityResolve: "no-resolve",
		registry.CapabilityPush: "no-push", registry.CapabilityReferrers: "no-referrers",
	} {
		if h.Capabilities&capability == 0 {
			words = append(words, name)
		}
	}
	slices.Sort(words[1:])
	for _, key := range slices.Sorted(maps.Keys(h.Header)) {
		words = append(words, fmt.Sprintf("%s=%s", key, strings.Join(h.Header[key], ",")))
	}
	if h.HTTPFallback {
		words = append(words, "or-http")
	}
	if !h.Named {
		words = append(words, "unnamed")
	}
	if h.DialTimeout != nil {
		words = append(words, h.DialTimeout.String())
	}
	return strings.Join(words, " ")
}

func wantHosts(t *testing.T, root, namespace string, want ...string) {
	t.Helper()
	hosts, err := registry.LoadHosts(root, namespace)
	if err != nil {
		t.Fatalf("LoadHosts: %v", err)
	}
	got := make([]string, len(hosts))
	for i, h := range hosts {
		got[i] = describe(h)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hosts of %s differ (-want +got):\n%s", namespace, diff)
	}
}

func TestHostsWithoutATree(t *testing.T) {
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

func TestHostsDirectories(t *testing.T) {
	t.Parallel()
	// Each directory names itself, by its length: names of directories are no names of hosts.
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
		"its own":                           {[]string{"a.example", "_default"}, "a.example", "https://of-9/v2"},
		"the default":                       {[]string{"b.example", "_default"}, "a.example", "https://of-8/v2"},
		"none":                              {[]string{"b.example"}, "a.example", "https://a.example/v2 unnamed"},
		"that of the port":                  {[]string{"a.example:5000", "a.example_5000_", "_default"}, "a.example:5000", "https://of-15/v2"},
		"with a colon":                      {[]string{"a.example:5000", "_default"}, "a.example:5000", "https://of-14/v2"},
		"not that of all ports":             {[]string{"a.example"}, "a.example:5000", "https://a.example:5000/v2 unnamed"},
		"not that of a port":                {[]string{"a.example_443_"}, "a.example", "https://a.example/v2 unnamed"},
		"an IPv6 address, cut in two":       {[]string{"[:_1]_", "[::1]"}, "[::1]", "https://of-6/v2"},
		"by case":                           {[]string{"A.example"}, "a.example", "https://a.example/v2 unnamed"},
		"Docker Hub's":                      {[]string{"docker.io", "registry-1.docker.io"}, "docker.io", "https://of-9/v2"},
		"an empty one hides the default":    {[]string{"_default"}, "empty.example", "https://empty.example/v2 unnamed"},
		"a list of roots is one odd name":   {[]string{"x:y"}, "a.example", "https://a.example/v2 unnamed"},
		"a file of the nodes' own registry": {[]string{"localhost_5000_"}, "localhost:5000", "https://of-15/v2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := tree(test.dirs...)
			files["empty.example/notes.txt"] = ""
			wantHosts(t, plant(t, "", files), test.namespace, test.want)
		})
	}
}

func TestHostsFiles(t *testing.T) {
	t.Parallel()
	const upstream = "https://r.example/v2 unnamed"
	tests := map[string]struct {
		file string
		want []string
	}{
		"empty":                            {"", []string{upstream}},
		"a comment":                        {"# nothing\n", []string{upstream}},
		"a server":                         {`server = "https://s.example"`, []string{"https://s.example/v2"}},
		"a server without a scheme":        {`server = "s.example:5000"`, []string{"https://s.example:5000/v2"}},
		"a server with a path":             {`server = "https://s.example/a/"`, []string{"https://s.example/a/v2"}},
		"a path that ends in v2":           {`server = "https://s.example/a/v2/"`, []string{"https://s.example/a/v2"}},
		"a path of nothing":                {`server = "https://s.example/"`, []string{"https://s.example//v2"}},
		"a path as it is":                  {"server = \"https://s.example/a\"\noverride_path = true", []string{"https://s.example/a"}},
		"no path as it is":                 {"server = \"https://s.example\"\noverride_path = true", []string{"https://s.example"}},
		"plain HTTP":                       {`server = "http://s.example"`, []string{"http://s.example/v2"}},
		"plain HTTP with TLS":              {"server = \"http://s.example\"\nskip_verify = false", []string{"https://s.example/v2 or-http"}},
		"plain HTTP with no authority":     {"server = \"http://s.example\"\nca = []", []string{"https://s.example/v2 or-http"}},
		"plain HTTP with no certificate":   {"server = \"http://s.example\"\nclient = []", []string{"http://s.example/v2"}},
		"plain HTTP's own port with TLS":   {"server = \"http://s.example:80\"\nskip_verify = true", []string{"http://s.example:80/v2"}},
		"a name that begins like a scheme": {`server = "httpd.example"`, []string{upstream}},
		"in the order of the file": {
			"[host.\"https://b\"]\n[host.\"https://a\"]\n[host.\"https://c\"]\n",
			[]string{"https://b/v2", "https://a/v2", "https://c/v2", upstream},
		},
		"the server last": {
			"server = \"https://s\"\n[host.\"https://b\"]\n", []string{"https://b/v2", "https://s/v2"},
		},
		"a table of a table": {
			"[host.\"https://b\"]\n[host.\"https://b\".header]\nX-A = \"1\"\n", []string{"https://b/v2 X-A=1", upstream},
		},
		"tables apart": {
			"[host.\"https://b\"]\n[host.\"https://a\"]\n[host.\"https://b\".header]\nX-A = \"1\"\n",
			[]string{"https://b/v2 X-A=1", "https://a/v2", "https://b/v2 X-A=1", upstream},
		},
		"without a table of their own": {
			"[host]\n\"https://a\".capabilities = [\"pull\"]\n\"https://b\" = {skip_verify = true}\n", []string{upstream},
		},
		"capabilities": {
			"[host.\"https://a\"]\ncapabilities = [\"pull\"]\n[host.\"https://b\"]\ncapabilities = [\"PULL\", \"Resolve\", \"push\", \"referrers\"]\n" +
				"[host.\"https://c\"]\ncapabilities = []\n",
			[]string{"https://a/v2 no-push no-referrers no-resolve", "https://b/v2", "https://c/v2", upstream},
		},
		"capabilities of the server": {
			"server = \"https://s\"\ncapabilities = [\"pull\"]", []string{"https://s/v2 no-push no-referrers no-resolve"},
		},
		"capabilities of no server": {`capabilities = ["pull"]`, []string{upstream}},
		"a header": {
			"header = {x-a = \"1\", X-B = [\"2\", \"3\"], X-C = []}", []string{"https://r.example/v2 X-B=2,3 X-C= x-a=1 unnamed"},
		},
		"a patience":    {`dial_timeout = "1500ms"`, []string{upstream + " 1.5s"}},
		"no patience":   {`dial_timeout = ""`, []string{upstream}},
		"unknown keys":  {"colour = 1\n[host.\"https://a\"]\nshape = 2\n[other.x]\n", []string{"https://a/v2", upstream}},
		"keys by case":  {"SERVER = \"https://s\"", []string{"https://s/v2"}},
		"tables' case":  {"[HOST.\"https://a\"]\n", []string{upstream}},
		"a host of no":  {"[host.\"https:///a\"]\n", []string{"https:///a/v2 unnamed", upstream}},
		"other schemes": {`server = "https+x://s"`, []string{"https+x://s/v2"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantHosts(t, plant(t, "", map[string]string{"r.example/hosts.toml": test.file}), "r.example", test.want...)
		})
	}
}
