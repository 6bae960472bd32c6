package config_test

import (
	"strconv"
	"testing"

	"github.com/pullgate/pullgate/webhook/config"
)

// hostLists returns the keys that accept host patterns. The keys of targetLists accept networks too.
func hostLists() []string {
	return []string{"skipRegistries", "nodes.credentialedRegistries", "egress.insecureRegistries"}
}

func targetLists() []string { return []string{"egress.allow", "egress.deny"} }

// listOf returns a file that sets the list at a path to one item.
func listOf(path, item string) []byte {
	list := "[" + strconv.Quote(item) + "]"
	switch path {
	case "nodes.credentialedRegistries":
		return []byte("nodes: {credentialedRegistries: " + list + "}")
	case "egress.insecureRegistries":
		return []byte("egress: {insecureRegistries: " + list + "}")
	case "egress.allow":
		return []byte("egress: {allow: " + list + "}")
	case "egress.deny":
		return []byte("egress: {deny: " + list + "}")
	}
	return []byte(path + ": " + list)
}

func TestHostListsAcceptHostPatternsOnly(t *testing.T) {
	t.Parallel()
	invalid := map[string]invalidFile{}
	for _, list := range append(hostLists(), targetLists()...) {
		for _, host := range []string{"registry.example:5000", "*.registry.example", "[::1]:5000"} {
			if _, err := config.Load(listOf(list, host)); err != nil {
				t.Errorf("Load() of %s %q = %v", list, host, err)
			}
		}
		invalid[list] = invalidFile{
			string(listOf(list, "my_registry")),
			"line 1: " + list + `[0]: Invalid value: "my_registry": must be a host such as "registry.example", "*.registry.example" or "10.0.0.1", ` +
				"with or without a port",
		}
	}
	testInvalid(t, invalid)
}

func TestTargetListsAcceptNetworks(t *testing.T) {
	t.Parallel()
	const network = "10.0.0.0/8"
	for _, list := range targetLists() {
		if _, err := config.Load(listOf(list, network)); err != nil {
			t.Errorf("Load() of %s %q = %v", list, network, err)
		}
	}
	for _, list := range hostLists() {
		if _, err := config.Load(listOf(list, network)); err == nil {
			t.Errorf("Load() of %s %q = no error, want one: it is not a host", list, network)
		}
	}
}

func TestTokenServicesAreSingleHosts(t *testing.T) {
	t.Parallel()
	file := func(entry string) string { return "egress: {tokenServices: [" + entry + "]}" }
	const path = "line 1: egress.tokenServices[0]."
	testInvalid(t, map[string]invalidFile{
		"a pattern as host": {
			file(`{registry: a.example, host: "*.example"}`), path + `host: Invalid value: "*.example": must be one host, without *`,
		},
		"a URL as host": {
			file(`{registry: a.example, host: "https://b.example/token"}`),
			path + `host: Invalid value: "https://b.example/token": must be a host without a scheme: remove everything up to ://`,
		},
		"no host": {
			file(`{registry: a.example}`), path + `host: Invalid value: "": must be a host such as "registry.example", "*.registry.example" or ` +
				`"10.0.0.1", with or without a port`,
		},
		"no registry": {
			file(`{host: a.example}`), path + `registry: Invalid value: "": must be a host such as "registry.example", "*.registry.example" or ` +
				`"10.0.0.1", with or without a port`,
		},
		"an unknown key":  {file(`{registry: a.example, host: b.example, port: 1}`), path + `port: unknown key: remove it or correct its name`},
		"a list of names": {file("a.example"), `line 1: must be a mapping of keys to values, not "a.example"`},
		"not a list":      {"egress: {tokenServices: a.example}", `line 1: must be a list, not "a.example"`},
	})
}
