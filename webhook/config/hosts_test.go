package config_test

import (
	"strconv"
	"testing"

	"github.com/pullgate/pullgate/webhook/config"
)

// hostLists are the keys that take host patterns; those of targets take networks too.
func hostLists() []string {
	return []string{"skipRegistries", "nodes.credentialedRegistries", "egress.insecureRegistries"}
}

func targetLists() []string { return []string{"egress.allow", "egress.deny"} }

// listOf writes a file that sets a list at a path to one item.
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

// Each list takes what package hostpattern reads, and says where it does not.
func TestHostLists(t *testing.T) {
	t.Parallel()
	mistakes := map[string]mistake{}
	for _, list := range append(hostLists(), targetLists()...) {
		for _, host := range []string{"registry.example:5000", "*.registry.example", "[::1]:5000"} {
			if _, err := config.Load(listOf(list, host)); err != nil {
				t.Errorf("Load() of %s %q = %v", list, host, err)
			}
		}
		mistakes[list] = mistake{
			string(listOf(list, "my_registry")),
			list + `[0]: Invalid value: "my_registry": must be a host such as "registry.example", "*.registry.example" or "10.0.0.1", ` +
				"with or without a port",
		}
	}
	testMistakes(t, mistakes)
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	const network = "10.0.0.0/8"
	for _, list := range targetLists() {
		if _, err := config.Load(listOf(list, network)); err != nil {
			t.Errorf("Load() of %s %q = %v", list, network, err)
		}
	}
	for _, list := range hostLists() {
		if _, err := config.Load(listOf(list, network)); err == nil {
			t.Errorf("Load() of %s %q = no error, want one: it is no host", list, network)
		}
	}
}
