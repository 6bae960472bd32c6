package localregistry_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/nodes/localregistry"
)

func TestReadParsesTheDescription(t *testing.T) {
	t.Parallel()
	const (
		noYAML = "not YAML with strings for host, hostFromContainerRuntime and hostFromClusterNetwork"
		noHost = "hostFromClusterNetwork is not a host with a port"
	)
	network := func(address string) string {
		return `{"host":"localhost:5001","hostFromClusterNetwork":"` + address + `"}`
	}
	tests := map[string]struct {
		text string
		host string // localhost:5001 when empty
		want string // the address; empty for none
		log  string // the problem; empty for none
	}{
		"as kind tools write it":               {text: kindHosting, want: "kind-registry:5000"},
		"another host":                         {text: kindHosting, host: "localhost:5002"},
		"the address itself":                   {text: kindHosting, host: "kind-registry:5000"},
		"as kind's own script writes it":       {text: `host: "localhost:5001"`},
		"a name for the runtime":               {text: kindHosting + `hostFromContainerRuntime: "registry:5000"`, host: "registry:5000", want: "kind-registry:5000"},
		"another name for the runtime":         {text: kindHosting + `hostFromContainerRuntime: "registry:5000"`},
		"the same name for the runtime":        {text: kindHosting + `hostFromContainerRuntime: "localhost:5001"`, want: "kind-registry:5000"},
		"an unknown key":                       {text: kindHosting + `insecure: [true]`, want: "kind-registry:5000"},
		"no name":                              {text: `hostFromClusterNetwork: "kind-registry:5000"`},
		"an IPv4 address":                      {text: network("10.0.0.7:5000"), want: "10.0.0.7:5000"},
		"an IPv6 address":                      {text: network("[fd00::7]:5000"), want: "[fd00::7]:5000"},
		"a container's name":                   {text: network("kind_registry.local:5000"), want: "kind_registry.local:5000"},
		"no port":                              {text: network("kind-registry"), want: "kind-registry"},
		"an empty text":                        {},
		"no YAML":                              {text: "host: [", log: noYAML},
		"a list for a host":                    {text: "hostFromClusterNetwork: [a]", log: noYAML},
		"a list":                               {text: "- localhost:5001", log: noYAML},
		"too long":                             {text: kindHosting + strings.Repeat("#", 16<<10), log: "longer than 16 KiB"},
		"a URL":                                {text: network("http://kind-registry:5000"), log: noHost},
		"a path":                               {text: network("kind-registry:5000/v2"), log: noHost},
		"a user":                               {text: network("me@kind-registry:5000"), log: noHost},
		"a line break":                         {text: network(`kind-registry\n:5000`), log: noHost},
		"port 0":                               {text: network("kind-registry:0"), log: noHost},
		"a port that is not a number":          {text: network("kind-registry:http"), log: noHost},
		"an empty port":                        {text: network("kind-registry:"), log: noHost},
		"an IPv6 address without its brackets": {text: network("fd00::7"), log: noHost},
		"an address with a zone":               {text: network("[fe80::1%25eth0]:5000"), log: noHost},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			c := &configMaps{description: describing(test.text)}
			hosting, err := localregistry.Read(t.Context(), c, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatalf("Read() error = %v", err)
			}
			if test.host == "" {
				test.host = "localhost:5001"
			}
			if got, ok := hosting.Address(test.host); got != test.want || ok != (test.want != "") {
				t.Errorf("Address(%q) = %q, %v; want %q", test.host, got, ok, test.want)
			}
			if !strings.Contains(log.String(), test.log) || (test.log == "") != (log.String() == "") {
				t.Errorf("got log %q, want %q in it", log.String(), test.log)
			}
		})
	}
}

func TestReadWithoutADescription(t *testing.T) {
	t.Parallel()
	if got, err := localregistry.Read(t.Context(), &configMaps{err: errForbidden}, slog.New(slog.DiscardHandler)); err == nil {
		t.Errorf("got %v, want the API server's error", got)
	}
	hosting, err := localregistry.Read(t.Context(), &configMaps{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("without the ConfigMap: %v", err)
	}
	if got, ok := hosting.Address(""); ok {
		t.Errorf("without the ConfigMap: Address() = %q, want none", got)
	}
}
