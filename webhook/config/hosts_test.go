package config_test

import (
	"strconv"
	"testing"

	"github.com/pullgate/pullgate/webhook/config"
)

const (
	hostForm    = `must be a host such as "registry.example", "*.registry.example" or "10.0.0.1", with or without a port`
	hostPort    = "must have a port from 1 to 65535, or none"
	hostAddress = `looks like an IP address and is none: write one in full, or, for egress, a network such as "10.0.0.0/8"`
	hostScheme  = "must be a host without a scheme: remove everything up to ://"
	hostPath    = "must be a host without a path: remove everything from the first slash"
	hostNetwork = `must be a network such as "10.0.0.0/8" or "fd00::/8"`
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

func TestHosts(t *testing.T) {
	t.Parallel()
	hosts := []string{
		"registry.example", "registry.example:5000", "registry.example:65535", "localhost", "localhost:5000", "MyHost",
		"*", "*.registry.example", "*.dkr.ecr.*.amazonaws.com", "a*b.example", "*.registry.example:443", "1.registry.example",
		"x--y.example", "10.0.0.1", "10.0.0.1:5000", "::1", "[::1]", "[::1]:5000", "2001:db8::7",
	}
	for _, host := range hosts {
		for _, list := range append(hostLists(), targetLists()...) {
			if _, err := config.Load(listOf(list, host)); err != nil {
				t.Errorf("Load() of %s %q = %v", list, host, err)
			}
		}
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7/32", "2001:db8::/32", "::/0"} {
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
}

func TestHostMistakes(t *testing.T) {
	t.Parallel()
	hosts := map[string]string{
		"":                         hostForm,
		" registry.example":        hostForm,
		"registry.example.":        hostForm,
		".registry.example":        hostForm,
		"registry..example":        hostForm,
		"-registry.example":        hostForm,
		"registry-.example":        hostForm,
		"my_registry.example":      hostForm,
		"[a-z].registry.example":   hostForm,
		"größe.example":            hostForm,
		"fe80::1%eth0":             hostForm,
		"[10.0.0.1":                hostForm,
		"registry.example:":        hostPort,
		"registry.example:0":       hostPort,
		"registry.example:*":       hostPort,
		"registry.example:65536":   hostPort,
		"10.0.0.1:0":               hostPort,
		"10.0.0.300":               hostAddress,
		"10.0.0":                   hostAddress,
		"10.*.*.*":                 hostAddress,
		"10.0.0.300:5000":          hostAddress,
		"https://registry.example": hostScheme,
		"registry.example/shop":    hostPath,
		"registry.example/":        hostPath,
	}
	mistakes := map[string]mistake{}
	for host, detail := range hosts {
		for _, list := range []string{"skipRegistries", "egress.insecureRegistries"} {
			mistakes[list+" "+host] = mistake{
				string(listOf(list, host)), list + "[0]: Invalid value: " + strconv.Quote(host) + ": " + detail,
			}
		}
	}
	testMistakes(t, mistakes)
}

func TestTargetMistakes(t *testing.T) {
	t.Parallel()
	targets := map[string]string{
		"10.0.0.1/8":            `has bits set beyond its prefix: write "10.0.0.0/8"`,
		"2001:db8::1/32":        `has bits set beyond its prefix: write "2001:db8::/32"`,
		"10.0.0.0/33":           hostNetwork,
		"10.0.0/8":              hostNetwork,
		"registry.example/8":    hostNetwork,
		"registry.example/":     hostNetwork,
		"registry.example/shop": hostPath,
		"https://10.0.0.0/8":    hostScheme,
		"10.0.0.300":            hostAddress,
	}
	mistakes := map[string]mistake{}
	for target, detail := range targets {
		for _, list := range targetLists() {
			mistakes[list+" "+target] = mistake{
				string(listOf(list, target)), list + "[0]: Invalid value: " + strconv.Quote(target) + ": " + detail,
			}
		}
	}
	testMistakes(t, mistakes)
}
