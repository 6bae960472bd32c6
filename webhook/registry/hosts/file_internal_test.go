package hosts

import (
	"strings"
	"testing"
)

// FuzzParseFile checks that any hosts.toml gives hosts or an error. A usable host has a name without a path, and an error shows no
// value of a header.
func FuzzParseFile(f *testing.F) {
	const secret = "hunter2hunter2"
	f.Add("server = \"https://registry.example\"\nca = [\"a.crt\", \"b.crt\"]\n[host.\"http://mirror.example:5000/v2\"]\n" +
		"capabilities = [\"pull\", \"resolve\"]\nskip_verify = true\noverride_path = true\ndial_timeout = \"1s\"\n" +
		"[host.\"http://mirror.example:5000/v2\".header]\nAuthorization = \"" + secret + "\"\n")
	f.Add("[host.\"mirror.example\"]\n  client = [[\"a.crt\", \"a.key\"]]\n")
	f.Add("[host.\"mirror.example\".header]\nAuthorization = [1, \"" + secret + "\"]\n")
	f.Add("server = " + secret)
	f.Fuzz(func(t *testing.T, document string) {
		all, err := parseFile("/etc/containerd/certs.d/registry.example", []byte(document))
		if err != nil {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows a header: %v", err)
			}
			return
		}
		if len(all) == 0 {
			t.Error("there is no host, not even the server")
		}
		for _, h := range all {
			if h.IsUsable() && strings.Contains(h.Name, "/") {
				t.Errorf("the name of a host has a path: %q", h.Name)
			}
		}
	})
}
