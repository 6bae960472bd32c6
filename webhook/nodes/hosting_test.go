package nodes_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// public is a ConfigMaps with the description of a local registry, or with an error.
type public struct {
	description *corev1.ConfigMap
	err         error
	watcher     *watch.FakeWatcher
	// selectors are the field selectors that it was asked with.
	selectors []string
}

func (p *public) List(_ context.Context, options metav1.ListOptions) (*corev1.ConfigMapList, error) {
	p.selectors = append(p.selectors, options.FieldSelector)
	list := &corev1.ConfigMapList{}
	if p.description != nil {
		list.Items = []corev1.ConfigMap{*p.description}
	}
	return list, p.err
}

func (p *public) Watch(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
	p.selectors = append(p.selectors, options.FieldSelector)
	return p.watcher, p.err
}

// IsWatchListSemanticsUnSupported tells the informer to list before it watches.
func (*public) IsWatchListSemanticsUnSupported() bool { return true }

// describing returns the ConfigMap with the text under its key.
func describing(text string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-public", Name: "local-registry-hosting"},
		Data:       map[string]string{"localRegistryHosting.v1": text},
	}
}

// ofKind describes a registry as the tools for kind do.
const ofKind = `
host: "localhost:5001"
hostFromClusterNetwork: "kind-registry:5000"
help: "https://kind.sigs.k8s.io/docs/user/local-registry/"
`

func TestHosting(t *testing.T) {
	t.Parallel()
	const (
		noText = "it is not YAML with texts for host, hostFromContainerRuntime and hostFromClusterNetwork"
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
		"as the tools for kind write it":       {text: ofKind, want: "kind-registry:5000"},
		"another host":                         {text: ofKind, host: "localhost:5002"},
		"the address itself":                   {text: ofKind, host: "kind-registry:5000"},
		"as kind's own recipe has it":          {text: `host: "localhost:5001"`},
		"the runtime's own name":               {text: ofKind + `hostFromContainerRuntime: "registry:5000"`, host: "registry:5000", want: "kind-registry:5000"},
		"beside the runtime's own name":        {text: ofKind + `hostFromContainerRuntime: "registry:5000"`},
		"the runtime's own name is the same":   {text: ofKind + `hostFromContainerRuntime: "localhost:5001"`, want: "kind-registry:5000"},
		"a key of the future":                  {text: ofKind + `insecure: [true]`, want: "kind-registry:5000"},
		"no name":                              {text: `hostFromClusterNetwork: "kind-registry:5000"`},
		"an IPv4 address":                      {text: network("10.0.0.7:5000"), want: "10.0.0.7:5000"},
		"an IPv6 address":                      {text: network("[fd00::7]:5000"), want: "[fd00::7]:5000"},
		"a container's name":                   {text: network("kind_registry.local:5000"), want: "kind_registry.local:5000"},
		"no port":                              {text: network("kind-registry"), want: "kind-registry"},
		"nothing":                              {},
		"no YAML":                              {text: "host: [", log: noText},
		"a list for a host":                    {text: "hostFromClusterNetwork: [a]", log: noText},
		"a list":                               {text: "- localhost:5001", log: noText},
		"too long":                             {text: ofKind + strings.Repeat("#", 16<<10), log: "it is too long"},
		"a URL":                                {text: network("http://kind-registry:5000"), log: noHost},
		"a path":                               {text: network("kind-registry:5000/v2"), log: noHost},
		"a user":                               {text: network("me@kind-registry:5000"), log: noHost},
		"a line break":                         {text: network(`kind-registry\n:5000`), log: noHost},
		"port 0":                               {text: network("kind-registry:0"), log: noHost},
		"a port that is none":                  {text: network("kind-registry:http"), log: noHost},
		"an empty port":                        {text: network("kind-registry:"), log: noHost},
		"an IPv6 address without its brackets": {text: network("fd00::7"), log: noHost},
		"an address with a zone":               {text: network("[fe80::1%25eth0]:5000"), log: noHost},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			p := &public{description: describing(test.text)}
			hosting, err := nodes.ReadLocalRegistry(t.Context(), p, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatalf("ReadLocalRegistry: %v", err)
			}
			if test.host == "" {
				test.host = "localhost:5001"
			}
			if got, ok := hosting.At(test.host); got != test.want || ok != (test.want != "") {
				t.Errorf("At(%q) = %q, %v; want %q", test.host, got, ok, test.want)
			}
			if !strings.Contains(log.String(), test.log) || (test.log == "") != (log.String() == "") {
				t.Errorf("got log %q, want %q in it", log.String(), test.log)
			}
		})
	}
}

func TestReadLocalRegistryFails(t *testing.T) {
	t.Parallel()
	if got, err := nodes.ReadLocalRegistry(t.Context(), &public{err: errForbidden}, slog.New(slog.DiscardHandler)); err == nil {
		t.Errorf("got %v, want the API server's error", got)
	}
	hosting, err := nodes.ReadLocalRegistry(t.Context(), &public{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("without the ConfigMap: %v", err)
	}
	if got, ok := hosting.At(""); ok {
		t.Errorf("without the ConfigMap: At() = %q, want none", got)
	}
}
