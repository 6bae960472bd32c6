package hostpattern_test

import (
	"testing"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

const (
	hostForm    = `must be a host such as "registry.example", "*.registry.example" or "10.0.0.1", with or without a port`
	hostPort    = "must have a port from 1 to 65535, or none"
	hostAddress = `looks like an IP address but is not one: write it in full, or, for egress, a network such as "10.0.0.0/8"`
	hostScheme  = "must be a host without a scheme: remove everything up to ://"
	hostPath    = "must be a host without a path: remove everything from the first slash"
	hostNetwork = `must be a network such as "10.0.0.0/8" or "fd00::/8"`
)

// invalidHosts maps texts that ParseHost and ParseTarget reject to their errors.
func invalidHosts() map[string]string {
	return map[string]string{
		"":                         hostForm,
		"registry .example":        hostForm,
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
	}
}

func TestParseAcceptsHosts(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"registry.example", "registry.example:5000", "registry.example:65535", "localhost", "localhost:5000", "MyHost",
		"*", "*.registry.example", "*.dkr.ecr.*.amazonaws.com", "a*b.example", "*.registry.example:443", "1.registry.example",
		"x--y.example", "10.0.0.1", "10.0.0.1:5000", "::1", "[::1]", "[::1]:5000", "2001:db8::7",
	} {
		for name, parse := range parsers() {
			if _, err := parse(host); err != nil {
				t.Errorf("%s(%q) = %v", name, host, err)
			}
		}
	}
}

func parsers() map[string]func(string) (hostpattern.Pattern, error) {
	return map[string]func(string) (hostpattern.Pattern, error){
		"ParseHost": hostpattern.ParseHost, "ParseTarget": hostpattern.ParseTarget,
	}
}

func TestOnlyParseTargetAcceptsNetworks(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7/32", "2001:db8::/32", "::/0"} {
		if _, err := hostpattern.ParseTarget(network); err != nil {
			t.Errorf("ParseTarget(%q) = %v", network, err)
		}
		if _, err := hostpattern.ParseHost(network); err == nil || err.Error() != hostPath {
			t.Errorf("ParseHost(%q) = %v, want %s", network, err, hostPath)
		}
	}
}

func TestParseNamesTheMistake(t *testing.T) {
	t.Parallel()
	for host, want := range invalidHosts() {
		for name, parse := range parsers() {
			if _, err := parse(host); err == nil || err.Error() != want {
				t.Errorf("%s(%q) = %v, want %s", name, host, err, want)
			}
		}
	}
	for target, want := range map[string]string{
		"10.0.0.1/8":         `has bits set beyond its prefix: write "10.0.0.0/8"`,
		"2001:db8::1/32":     `has bits set beyond its prefix: write "2001:db8::/32"`,
		"10.0.0.0/33":        hostNetwork,
		"10.0.0/8":           hostNetwork,
		"registry.example/8": hostNetwork,
		"registry.example/":  hostNetwork,
		"https://10.0.0.0/8": hostScheme,
	} {
		if _, err := hostpattern.ParseTarget(target); err == nil || err.Error() != want {
			t.Errorf("ParseTarget(%q) = %v, want %s", target, err, want)
		}
	}
}

func TestListErrorsHoldTheIndex(t *testing.T) {
	t.Parallel()
	want := `[1]: "a/b" ` + hostPath
	if _, err := hostpattern.ParseHosts([]string{"a", "a/b", "c/d"}); err == nil || err.Error() != want {
		t.Errorf("ParseHosts() = %v, want %s", err, want)
	}
	if _, err := hostpattern.ParseTargets([]string{"10.0.0.0/8", "a/b"}); err == nil || err.Error() != want {
		t.Errorf("ParseTargets() = %v, want %s", err, want)
	}
}
