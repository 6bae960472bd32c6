package main

import (
	"errors"
	"fmt"
	"regexp"

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
		return nil, fmt.Errorf("finding the API server: %w", withoutUserinfo(err))
	}
	c.QPS = -1
	c.UserAgent = userAgent()
	return c, nil
}

// userinfo matches a text that may have the user name and password of a URL. The name of a context may have an "@", too.
var userinfo = regexp.MustCompile(`(?s)://.*@|:[^\s@]*@`)

// errKubeconfig replaces an error of client-go that quotes a URL with a password.
var errKubeconfig = errors.New("a URL in the kubeconfig is not valid: correct server and proxy-url of the cluster")

// withoutUserinfo returns the error, unless its text may have a password.
func withoutUserinfo(err error) error {
	if userinfo.MatchString(err.Error()) {
		return errKubeconfig
	}
	return err
}
