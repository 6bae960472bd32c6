package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// loadConfiguration reads a configuration file; without a name it is the default.
func loadConfiguration(file string) (config.Configuration, error) {
	if file == "" {
		return config.Default(), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return config.Configuration{}, fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := config.Load(data)
	if err != nil {
		return config.Configuration{}, fmt.Errorf("configuration %s:\n%w", file, err)
	}
	return c, nil
}

// engine is what serve and check have in common, with the parts that differ.
type engine struct {
	credentials preflight.Credentials
	nodes       preflight.Nodes
	// localRegistry may be nil (see registry.Options).
	localRegistry func(host string) (address string, ok bool)
	// instrument may be nil.
	instrument func(http.RoundTripper) http.RoundTripper
}

// newChecker wires the engine: questions from preflight, through resolve, to registry.
func newChecker(c config.Configuration, e engine) (*preflight.Checker, error) {
	proxy, err := proxyFrom(os.Getenv)
	if err != nil {
		return nil, err
	}
	client, err := registry.New(registry.Options{
		Egress: registry.Egress{
			Allow:       c.Egress.Allow,
			Deny:        c.Egress.Deny,
			DenyPrivate: c.Egress.PrivateNetworks == config.NetworkDeny,
			Insecure:    c.Egress.InsecureRegistries,
		},
		Runtime:        c.Nodes.Runtime,
		HostsDir:       c.Nodes.HostsDir,
		RequestTimeout: c.Timeouts.Request.Duration,
		ConnectTimeout: c.Timeouts.Connect.Duration,
		ManifestBytes:  c.Limits.ManifestBytes,
		UserAgent:      userAgent(),
		LocalRegistry:  e.localRegistry,
		Proxy:          proxy,
		Instrument:     e.instrument,
	})
	if err != nil {
		return nil, err
	}
	return preflight.New(preflight.Options{
		Resolver: resolve.NewRetried(client, resolve.Retry{
			InitialDelay: c.Retry.InitialDelay.Duration,
			Factor:       c.Retry.Factor,
			Jitter:       c.Retry.Jitter,
			MaxAttempts:  c.Retry.MaxAttempts,
		}, clock.RealClock{}),
		Runtime:                c.Nodes.Runtime,
		Credentials:            e.credentials,
		Nodes:                  e.nodes,
		CredentialedRegistries: c.Nodes.CredentialedRegistries,
		SkipRegistries:         c.SkipRegistries,
		MaxUses:                c.Limits.UsesPerObject,
	}), nil
}

// clientConfig finds the API server as kubectl does: by the file named, $KUBECONFIG, ~/.kube/config, or from inside a pod.
func clientConfig(kubeconfig string) clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil)
}

// restConfig leaves the rate of requests to the API server's own fairness: client-go's default of five a second would
// make a burst of pods wait for their secrets.
func restConfig(kubeconfig string) (*rest.Config, error) {
	c, err := clientConfig(kubeconfig).ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, errors.New("finding the API server: there is no kubeconfig, and this is no pod")
	}
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	c.QPS = -1
	c.UserAgent = userAgent()
	return c, nil
}
