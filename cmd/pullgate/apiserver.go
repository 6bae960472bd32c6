package main

import (
	"errors"
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// clientConfig finds the API server as kubectl does: from the named file, $KUBECONFIG, ~/.kube/config or inside a pod.
func clientConfig(kubeconfig string) clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil)
}

// restConfig returns the connection to the API server, without a limit on the rate of requests. With client-go's default of
// five a second, a burst of pods would wait for their secrets. The API server has its own limits.
func restConfig(kubeconfig string) (*rest.Config, error) {
	c, err := clientConfig(kubeconfig).ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, errors.New("finding the API server: no kubeconfig, and not running in a pod")
	}
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	c.QPS = -1
	c.UserAgent = userAgent()
	return c, nil
}
