package hosts_test

import "testing"

// A node then ignores the mirrors of the file, without an error.
func TestInvalidHostsFilesCountAsAbsent(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]string{
		"not TOML":                     "[",
		"not UTF-8":                    "\xff",
		"a key twice":                  "skip_verify = true\nskip_verify = true",
		"a server of another type":     "server = 1",
		"a server that is not a URL":   `server = "https://%zz"`,
		"a host that is not a URL":     `[host."https://%zz"]`,
		"an unknown capability":        `capabilities = ["pull", "all"]`,
		"capabilities of another type": `capabilities = "pull"`,
		"an authority of another type": `ca = 1`,
		"authorities of other types":   `ca = ["a", 1]`,
		"a client of another type":     `client = 1`,
		"clients of other types":       `client = [1]`,
		"a pair with a number":         `client = [["a", 1]]`,
		"a pair of one file":           `client = [["a"]]`,
		"a pair of three files":        `client = [["a", "b", "c"]]`,
		"a header of another type":     `header = {a = 1}`,
		"headers of other types":       `header = {a = ["b", 1]}`,
		"a flag of another type":       `skip_verify = "yes"`,
		"an invalid dial timeout":      `dial_timeout = "soon"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := broken + "\n[host.\"https://mirror\"]\n"
			wantHosts(t, writeTree(t, map[string]string{"r.example/hosts.toml": file}), "r.example", "https://r.example/v2 unnamed")
		})
	}
}

func TestLoadParsesHostsFiles(t *testing.T) {
	t.Parallel()
	const upstream = "https://r.example/v2 unnamed"
	tests := map[string]struct {
		file string
		want []string
	}{
		"empty":                      {"", []string{upstream}},
		"a comment":                  {"# nothing\n", []string{upstream}},
		"a server":                   {`server = "https://s.example"`, []string{"https://s.example/v2"}},
		"a server without a scheme":  {`server = "s.example:5000"`, []string{"https://s.example:5000/v2"}},
		"a server with a path":       {`server = "https://s.example/a/"`, []string{"https://s.example/a/v2"}},
		"a path that ends in v2":     {`server = "https://s.example/a/v2/"`, []string{"https://s.example/a/v2"}},
		"a path of one slash":        {`server = "https://s.example/"`, []string{"https://s.example//v2"}},
		"a path with override_path":  {"server = \"https://s.example/a\"\noverride_path = true", []string{"https://s.example/a"}},
		"no path with override_path": {"server = \"https://s.example\"\noverride_path = true", []string{"https://s.example"}},
		"plain HTTP":                 {`server = "http://s.example"`, []string{"http://s.example/v2"}},
		"plain HTTP with TLS":        {"server = \"http://s.example\"\nskip_verify = false", []string{"https://s.example/v2 or-http"}},
		"plain HTTP with an empty list of authorities":         {"server = \"http://s.example\"\nca = []", []string{"https://s.example/v2 or-http"}},
		"plain HTTP with an empty list of client certificates": {"server = \"http://s.example\"\nclient = []", []string{"http://s.example/v2"}},
		"port 80 with TLS":                 {"server = \"http://s.example:80\"\nskip_verify = true", []string{"http://s.example:80/v2"}},
		"a name that begins like a scheme": {`server = "httpd.example"`, []string{upstream}},
		"in the order of the file": {
			"[host.\"https://b\"]\n[host.\"https://a\"]\n[host.\"https://c\"]\n",
			[]string{"https://b/v2", "https://a/v2", "https://c/v2", upstream},
		},
		"the server last": {
			"server = \"https://s\"\n[host.\"https://b\"]\n", []string{"https://b/v2", "https://s/v2"},
		},
		"a table below a host": {
			"[host.\"https://b\"]\n[host.\"https://b\".header]\nX-A = \"1\"\n", []string{"https://b/v2 X-A=1", upstream},
		},
		"separated tables of one host": {
			"[host.\"https://b\"]\n[host.\"https://a\"]\n[host.\"https://b\".header]\nX-A = \"1\"\n",
			[]string{"https://b/v2 X-A=1", "https://a/v2", "https://b/v2 X-A=1", upstream},
		},
		"hosts without a table header": {
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
		"capabilities without a server": {`capabilities = ["pull"]`, []string{upstream}},
		"a header": {
			"header = {x-a = \"1\", X-B = [\"2\", \"3\"], X-C = []}", []string{"https://r.example/v2 X-B=2,3 X-C= x-a=1 unnamed"},
		},
		"a dial timeout":            {`dial_timeout = "1500ms"`, []string{upstream + " 1.5s"}},
		"an empty dial timeout":     {`dial_timeout = ""`, []string{upstream}},
		"unknown keys":              {"colour = 1\n[host.\"https://a\"]\nshape = 2\n[other.x]\n", []string{"https://a/v2", upstream}},
		"keys are case insensitive": {"SERVER = \"https://s\"", []string{"https://s/v2"}},
		"tables are case sensitive": {"[HOST.\"https://a\"]\n", []string{upstream}},
		"a URL without a host":      {"[host.\"https:///a\"]\n", []string{"https:///a/v2 unnamed", upstream}},
		"other schemes":             {`server = "https+x://s"`, []string{"https+x://s/v2"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantHosts(t, writeTree(t, map[string]string{"r.example/hosts.toml": test.file}), "r.example", test.want...)
		})
	}
}
