package main

import (
	"errors"
	"fmt"
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

// registryOptions are what the configuration and the environment say of asking registries.
func registryOptions(c config.Configuration) (registry.Options, error) {
	proxy, err := proxyFrom(os.Getenv)
	if err != nil {
		return registry.Options{}, err
	}
	return registry.Options{
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
		Proxy:          proxy,
	}, nil
}

// newChecker wires the engine that serve and check share: questions from preflight, through resolve, to registry.
func newChecker(
	c config.Configuration, creds preflight.Credentials, nodes preflight.Nodes, options registry.Options,
) (*preflight.Checker, error) {
	client, err := registry.New(options)
	if err != nil {
		return nil, err
	}
	return preflight.New(preflight.Options{
		Resolver:               retried(client, c.Retry),
		Contents:               contents(client, c),
		Credentials:            creds,
		Nodes:                  nodes,
		Runtime:                c.Nodes.Runtime,
		CredentialedRegistries: c.Nodes.CredentialedRegistries,
		SkipRegistries:         c.SkipRegistries,
		MaxUses:                c.Limits.UsesPerObject,
	}), nil
}

// contents looks into images, where the configuration asks for that.
func contents(client *registry.Client, c config.Configuration) preflight.Resolver {
	if !c.Deep {
		return nil
	}
	return retried(registry.NewInspector(client), c.Retry)
}

func retried(next resolve.Resolver, r config.Retry) preflight.Resolver {
	return resolve.NewRetried(next, resolve.Retry{
		InitialDelay: r.InitialDelay.Duration,
		Factor:       r.Factor,
		Jitter:       r.Jitter,
		MaxAttempts:  r.MaxAttempts,
	}, clock.RealClock{})
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
