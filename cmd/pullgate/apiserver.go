package main

import (
	"errors"
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

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
